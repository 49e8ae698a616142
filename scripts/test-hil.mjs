import { join } from 'node:path'
import { ensureBuild } from './ensure-build.mjs'
import { ensureDebianPackages } from './ensure-debian-packages.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { ROOT } from './steps.mjs'

// `npm run test:hil`: a fleet with everything attached to it, on the compiled program.
ensurePackages()
ensureDebianPackages()
ensureBuild()
const main = join(ROOT, 'dist', 'cases', 'hardware-in-the-loop', 'run-case.js')
process.argv = [process.argv[0], main, ...process.argv.slice(2)]
await import(main)
