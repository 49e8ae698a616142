import { join } from 'node:path'
import { ensureBuild } from './ensure-build.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { ROOT } from './steps.mjs'

// `npm run case:virtuous-cycle`: plays the case study on the compiled program.
ensurePackages()
ensureBuild()
const main = join(ROOT, 'dist', 'cases', 'virtuous-cycle', 'run-case.js')
process.argv = [process.argv[0], main, ...process.argv.slice(2)]
await import(main)
