import { Lab } from '../../../bench/lab/lab.ts'

// A program that makes a lab, lets something run in it and is killed before it could clean up.
const lab = Lab.create({ name: 'short', hosts: ['board', 'edge'] })
await lab.wire('board', 'edge').shape({ up: { delayMs: 1 } })
const child = lab.spawn('board', 'sleep', ['600'], { stdio: 'ignore', detached: true })
process.stdout.write(`left ${child.pid}\n`, () => process.kill(process.pid, 'SIGKILL'))
