import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TrainerPool } from '../../../agent/assignment/trainer-pool.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { openLimits } from '../../support/trainer-limits.ts'
import { waitFor } from '../../support/wait-for.ts'
import { childrenOfThisProcess } from './child-census.ts'

const { log, lines } = testLog()

function openPool(idleMsMax = 60_000): TrainerPool {
  const pool = new TrainerPool({ niceness: 0, limits: openLimits(), idleMsMax, log })
  onTestFinished(() => pool.stop())
  return pool
}

test('a trainer stays warm between assignments', async () => {
  const pool = openPool()
  const loan = pool.lend()
  const { pid } = await loan.trainer
  loan.release()
  expect((await pool.lend().trainer).pid).toBe(pid)
  expect(childrenOfThisProcess()).toEqual([pid])
})

test('a trainer that died is followed by a new one, one that was discarded is dead', async () => {
  const pool = openPool()
  const first = await pool.lend().trainer
  first.kill()
  await first.exited
  const loan = pool.lend()
  const second = await loan.trainer
  expect(childrenOfThisProcess()).toEqual([second.pid])
  await loan.discard()
  expect(childrenOfThisProcess()).toEqual([])
})

test('who comes while it is lent has one of his own, which the first cannot take away', async () => {
  const pool = openPool(1)
  const first = pool.lend()
  const { exited } = await first.trainer
  const second = pool.lend()
  const { pid } = await second.trainer
  await exited
  first.release()
  await first.discard()
  // Longer than an idle trainer lives.
  await (await second.trainer).unload()
  expect(childrenOfThisProcess()).toEqual([pid])
})

test('a trainer that is only starting passes on to who comes next', async () => {
  const pool = openPool()
  const first = pool.lend()
  const early = expect(first.trainer).rejects.toThrow('over before its trainer started')
  const second = pool.lend()
  const { pid } = await second.trainer
  await early
  await first.discard()
  expect(childrenOfThisProcess()).toEqual([pid])
})

test('a stop while the trainer starts leaves no process behind', async () => {
  const pool = openPool()
  const { trainer } = pool.lend()
  await pool.stop()
  await expect((await trainer).parameters()).rejects.toMatchObject({ code: 'TRAINING_FAILED' })
  expect(childrenOfThisProcess()).toEqual([])
})

test('a trainer that nobody needs for long is ended', async () => {
  const pool = openPool(50)
  const loan = pool.lend()
  const { exited } = await loan.trainer
  loan.release()
  await exited
  await waitFor(() => childrenOfThisProcess().length === 0, { what: 'the trainer is gone' })
})

test('a native ONNX Runtime that does not load is said once a process', async () => {
  const folder = temporaryDirectory()
  writeFileSync(join(folder, 'libonnxruntime.so.1'), '')
  vi.stubEnv('LD_LIBRARY_PATH', folder)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const loan = openPool().lend()
  expect((await loan.trainer).runtime).toBe('wasm')
  loan.release()
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({
    msg: 'native ONNX Runtime cannot be used',
    runtime: 'wasm',
    reason: expect.stringContaining('file too short'),
  })
})
