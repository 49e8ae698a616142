import { join } from 'node:path'
import { LAB_PACKAGES } from './debian-packages.mjs'
import { ensureBuild } from './ensure-build.mjs'
import { ensureDebianPackages } from './ensure-debian-packages.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { ROOT } from './steps.mjs'

// `npm run bench`: measures the compiled program, as it runs on a board.
ensurePackages()
ensureBuild()
if (process.argv[2] === 'link') ensureDebianPackages(LAB_PACKAGES)
const main = join(ROOT, 'dist', 'bench', 'run-bench.js')
process.argv = [process.argv[0], main, ...process.argv.slice(2)]
await import(main)
