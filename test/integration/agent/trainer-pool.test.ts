import { expect, onTestFinished, test } from 'vitest'
import { TrainerPool } from '../../../agent/assignment/trainer-pool.ts'
import { waitFor } from '../../support/wait-for.ts'
import { childrenOfThisProcess } from './child-census.ts'

function openPool(idleMsMax = 60_000): TrainerPool {
  const pool = new TrainerPool({ niceness: 0, idleMsMax })
  onTestFinished(() => pool.stop())
  return pool
}

test('a trainer stays warm between assignments, and one that is starting is shared', async () => {
  const pool = openPool()
  const [one, other] = await Promise.all([pool.acquire(), pool.acquire()])
  expect(other.pid).toBe(one.pid)
  pool.release()
  expect((await pool.acquire()).pid).toBe(one.pid)
  expect(childrenOfThisProcess()).toEqual([one.pid])
})

test('a trainer that died is followed by a new one, one that was discarded is dead', async () => {
  const pool = openPool()
  const first = await pool.acquire()
  first.kill()
  await first.exited
  const second = await pool.acquire()
  expect(childrenOfThisProcess()).toEqual([second.pid])
  await pool.discard()
  expect(childrenOfThisProcess()).toEqual([])
})

test('a stop while the trainer starts leaves no process behind', async () => {
  const pool = openPool()
  const acquired = pool.acquire()
  await pool.stop()
  await expect((await acquired).parameters()).rejects.toMatchObject({ code: 'TRAINING_FAILED' })
  expect(childrenOfThisProcess()).toEqual([])
})

test('a trainer that nobody needs for long is ended', async () => {
  const pool = openPool(50)
  const { exited } = await pool.acquire()
  pool.release()
  await exited
  await waitFor(() => childrenOfThisProcess().length === 0, { what: 'the trainer is gone' })
})
