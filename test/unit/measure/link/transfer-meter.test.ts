import { describe, expect, test } from 'vitest'
import type { PassiveSample } from '../../../../agent/measure/link/passive-goodput.ts'
import {
  type Direction,
  TransferWatch,
  type WatchedTransfer,
} from '../../../../agent/measure/link/transfer-meter.ts'

const BLOCK = 64 * 1024

/** A watch whose time passes as blocks go over a link of so many bit/s. */
function watchAt(bitsPerSecond: number) {
  const samples: ({ direction: Direction } & PassiveSample)[] = []
  let nowMs = 0
  const watch = new TransferWatch(
    (direction, sample) => samples.push({ direction, ...sample }),
    () => nowMs,
  )
  const carry = (blocks: number, transfer: WatchedTransfer): void => {
    for (let block = 0; block < blocks; block++) {
      nowMs += (BLOCK * 8000) / bitsPerSecond
      transfer.add(BLOCK)
    }
  }
  return { watch, samples, carry }
}

describe('the watch of transfers', () => {
  test('takes acknowledged blocks of an upload as a measurement', () => {
    const { watch, samples, carry } = watchAt(5e6)
    const transfer = watch.watch('up')
    carry(10, transfer)
    transfer.end()
    transfer.end()
    expect(samples).toMatchObject([{ direction: 'up' }])
    expect(samples[0]?.bitsPerSecond).toBeCloseTo(5e6, -3)
  })

  test('takes nothing from an upload that went at its pace, and not at that of the link', () => {
    const { watch, samples, carry } = watchAt(5e6)
    for (const paceBitsPerSecond of [5e6, 20e6]) {
      const transfer = watch.watch('up')
      carry(10, transfer)
      transfer.end({ paceBitsPerSecond })
    }
    expect(samples.length).toBe(1)
  })

  test('takes nothing from two uploads that shared the link', () => {
    const { watch, samples, carry } = watchAt(5e6)
    const first = watch.watch('up')
    carry(5, first)
    const second = watch.watch('up')
    carry(10, second)
    second.end()
    carry(5, first)
    first.end()
    expect(samples).toEqual([])
  })
})
