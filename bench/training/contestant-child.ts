import { createInterface } from 'node:readline'
import { loadOrtRuntime } from '../../training/trainer/ort-runtime.ts'
import { type ContestantKind, contestants } from './contestants.ts'
import { openSac } from './sac-contestant.ts'
import { createWorkload, type WorkloadName } from './workload.ts'

/**
 * One contestant in a process of its own: `contestant-child <workload> <kind>`. It says that it is
 * ready; then a line of input is a number of steps, and a line of output what they took.
 */
const [, , name = '', kind = ''] = process.argv
const { ort } = await loadOrtRuntime(kind === 'wasm' ? 'wasm' : 'native')
const train =
  name === 'sac'
    ? await openSac(ort)
    : await contestants[kind as ContestantKind](ort, createWorkload(name as WorkloadName))
process.stdout.write(`${JSON.stringify({ version: process.version })}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage()
  const losses = await train(Number(line))
  const { user, system } = process.cpuUsage(before)
  const answer = { cpuSeconds: (user + system) / 1e6, losses: Array.from(losses) }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
