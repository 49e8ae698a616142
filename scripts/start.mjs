import { join } from 'node:path'
import { ensureBuild } from './ensure-build.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { ROOT } from './steps.mjs'

// `npm start`: installs and builds what is missing, then becomes `gainnet demo`. In this process,
// not in a child: signals, the terminal and the exit code are the demo's own.
ensurePackages()
ensureBuild()
const main = join(ROOT, 'dist', 'cli', 'main.js')
process.argv = [process.argv[0], main, 'demo', ...process.argv.slice(2)]
await import(main)
