import { expect, test } from 'vitest'
import { withDeadline } from '../../../runtime/deadline.ts'

test('work that ends in time is itself, its failure too', async () => {
  expect(await withDeadline(Promise.resolve(7), { ms: 1000, what: 'a sum' })).toBe(7)
  const failing = withDeadline(Promise.reject(new Error('no disk')), { ms: 1000, what: 'a read' })
  await expect(failing).rejects.toThrow('no disk')
})

test('work that takes longer is given up with its name and the time', async () => {
  const never = new Promise<never>(() => {})
  await expect(withDeadline(never, { ms: 5, what: 'clock exchange' })).rejects.toMatchObject({
    code: 'DEADLINE_PASSED',
    message: 'clock exchange took longer than 5 ms',
    details: { ms: 5 },
  })
})

test('a failure that comes after the deadline harms nobody', async () => {
  let fail: (error: Error) => void = () => {}
  const work = new Promise<never>((_, reject) => {
    fail = reject
  })
  await expect(withDeadline(work, { ms: 1, what: 'work' })).rejects.toThrow('longer than 1 ms')
  // An unhandled rejection would fail the test run.
  fail(new Error('late'))
  await new Promise(resolve => setImmediate(resolve))
})
