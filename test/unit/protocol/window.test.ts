import { expect, test } from 'vitest'
import { sendInWindow } from '../../../protocol/window.ts'

test('never more than the window are open, and all are sent', async () => {
  let [open, mostOpen] = [0, 0]
  const sent: number[] = []
  await sendInWindow([1, 2, 3, 4, 5, 6, 7], { size: 3 }, async item => {
    open += 1
    mostOpen = Math.max(mostOpen, open)
    await Promise.resolve()
    open -= 1
    sent.push(item)
  })
  expect(mostOpen).toBe(3)
  expect(sent.sort()).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('the first failure ends the sending and is thrown after those on their way', async () => {
  const begun: number[] = []
  const sending = sendInWindow([1, 2, 3, 4, 5], { size: 2 }, async item => {
    begun.push(item)
    if (item === 2) throw new Error('broken')
    await Promise.resolve()
  })
  await expect(sending).rejects.toThrow('broken')
  expect(begun).toEqual([1, 2])
})

test('nothing more is sent once it is no longer wanted', async () => {
  const sent: number[] = []
  const isWanted = () => sent.length < 2
  await sendInWindow([1, 2, 3, 4], { size: 1, isWanted }, async item => {
    sent.push(item)
  })
  expect(sent).toEqual([1, 2])
})
