import { ensureDebianPackages } from './ensure-debian-packages.mjs'

// `npm run test:hil`: a fleet with everything attached to it, on the compiled program.
ensureDebianPackages()
const [node, script, ...rest] = process.argv
process.argv = [node, script, 'hardware-in-the-loop', ...rest]
await import('./case.mjs')
