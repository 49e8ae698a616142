import { join } from 'node:path'
import { ensureBuild } from './ensure-build.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { ROOT } from './steps.mjs'

// `npm run case:power` and its like: plays the case study of that name on the compiled program.
const [node, , name, ...rest] = process.argv
ensurePackages()
ensureBuild()
const main = join(ROOT, 'dist', 'cases', name, 'run-case.js')
process.argv = [node, main, ...rest]
await import(main)
