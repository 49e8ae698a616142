import { join } from 'node:path'
import { ARM64_PACKAGES } from './debian-packages.mjs'
import { ensureDebianPackages } from './ensure-debian-packages.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { ensureNodeRuntime } from './node-runtime.mjs'
import { binary, mustRun, ROOT, run, say } from './steps.mjs'

// `npm run test:arm64-engine`: the training engine on an emulated arm64 processor, compared with this
// one. Slow, so no part of `npm test`. Whether results are right is told, never how fast they come.
ensurePackages()
ensureDebianPackages(ARM64_PACKAGES)
const GAINNET_ARM64_NODE = ensureNodeRuntime('linux-arm64')
const folder = join('test', 'arm64', 'engine')
say('compiling (tsc)')
mustRun(binary('tsc'), ['-p', join(folder, 'tsconfig.json')])
const GAINNET_ARM64_LOSSES = join(ROOT, '.gainnet', 'arm64-engine', folder, 'losses.js')
const env = { ...process.env, GAINNET_ARM64_NODE, GAINNET_ARM64_LOSSES }
const args = ['run', '--project', 'arm64-engine', ...process.argv.slice(2)]
process.exitCode = run(binary('vitest'), args, { env })
