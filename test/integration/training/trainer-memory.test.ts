import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { byteJob, startTrainer } from './byte-job.ts'

const TASKS = 200
/** Of the first ones, in which the process warms up. */
const WARM_UP = 50
const MIB = 2 ** 20
/** Sessions that are not released add 14 MiB from half to half. */
const GROWTH_MAX = 9 * MIB

function residentBytes(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

test('the memory of a trainer stays level over 200 tasks', async () => {
  const { job } = byteJob({}, [96])
  const trainer = await startTrainer()
  const series: number[] = []
  for (let task = 0; task < TASKS; task++) {
    await trainer.load(job)
    await trainer.step({ steps: 3, learningRate: 0.01 })
    await trainer.parameters()
    await trainer.unload()
    series.push(residentBytes(trainer.pid ?? 0))
  }
  const middle = (WARM_UP + TASKS) / 2
  const meanOf = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length
  const [first, second] = [meanOf(series.slice(WARM_UP, middle)), meanOf(series.slice(middle))]
  const written = series.filter((_, task) => task % 10 === 9).map(bytes => Math.round(bytes / MIB))
  expect(second - first, `MiB: ${written.join(' ')}`).toBeLessThan(GROWTH_MAX)
})
