import { describe, expect, test } from 'vitest'
import { BULK_METHOD, type LinkPeer, linkProbe } from '../../../../agent/measure/link/link-probe.ts'
import { LinkSeries } from '../../../../agent/measure/link/link-series.ts'
import { goodputOf, TRAINS_METHOD, type Train } from '../../../../agent/measure/link/mqtt-trains.ts'
import { runProbe } from '../../../../agent/measure/probe.ts'
import { ProbeAsk } from '../../../../protocol/life.ts'
import { createLogger } from '../../../../runtime/logger.ts'

const log = createLogger({ daemon: 'test', level: 'silent' })
const roots = { procRoot: '/proc', sysRoot: '/sys' }
const signal = new AbortController().signal
const MiB = 2 ** 20

/** A link of a steady rate, whose receiver times all but the first block. */
function linkOf(bitsPerSecond: number, sent: Train[] = []) {
  return async (train: Train) => {
    sent.push(train)
    const receivedBytes = (train.blocks - 1) * train.blockBytes
    return { receivedBytes, durationMs: (receivedBytes * 8000) / bitsPerSecond }
  }
}

describe('goodput', () => {
  test.each([1e6, 10e6, 50e6])('of a link of %d bit/s is found', async bitsPerSecond => {
    const { bitsPerSecond: found } = await goodputOf(linkOf(bitsPerSecond), {
      bytesMax: 2 * MiB,
      signal,
    })
    expect(found).toBeCloseTo(bitsPerSecond, 0)
  })

  test('takes trains that double from 32 KiB until one is long enough, then repeats it', async () => {
    const sent: Train[] = []
    const { trains } = await goodputOf(linkOf(2e6, sent), { bytesMax: 2 * MiB, signal })
    expect(trains.map(({ bytes }) => bytes / 1024)).toEqual([32, 64, 128, 128, 128])
    expect(sent[0]).toEqual({ blocks: 4, blockBytes: 8192 })
  })

  test('stays within its bytes on a link that is too fast for them, and states what it spent', async () => {
    const { trains, bytesSpent } = await goodputOf(linkOf(10e9), { bytesMax: 2 * MiB, signal })
    expect(bytesSpent).toBeLessThanOrEqual(2 * MiB)
    expect(bytesSpent).toBe(trains.reduce((sum, { bytes }) => sum + bytes, 0))
  })

  test('is the median of the last three trains, so that one outlier does not move it', async () => {
    const rates = [8e6, 8e6, 8e6, 8e6, 1e6, 8e6]
    let index = 0
    const { bitsPerSecond } = await goodputOf(train => linkOf(rates[index++] ?? 8e6)(train), {
      bytesMax: 2 * MiB,
      signal,
    })
    expect(bitsPerSecond).toBeCloseTo(8e6, 0)
  })

  test('asks for trains that the protocol takes, up to the largest budget', async () => {
    const sent: Train[] = []
    await goodputOf(linkOf(10e9, sent), { bytesMax: 32 * MiB, signal })
    const envelope = { session: 1, sequence: 0, sentAt: '2024-01-01T00:00:00.000Z' }
    for (const train of sent) {
      const ask = { ...envelope, id: 0, direction: 'down', ...train }
      expect(ProbeAsk.safeParse(ask).error).toBeUndefined()
    }
  })
})

describe('the link probe', () => {
  test('is absent without a peer', async () => {
    const result = await runProbe(linkProbe({ peer: () => undefined, bytesMax: MiB }), {
      roots,
      log,
    })
    expect(result).toMatchObject({
      status: 'absent',
      reason: expect.stringContaining('controller'),
    })
  })

  test('has failed when the peer refuses', async () => {
    const peer: LinkPeer = {
      exchangeClock: async () => ({ rttMs: 1, offsetMs: 0 }),
      download: async () => {
        throw new Error('another agent is measuring')
      },
      upload: linkOf(1e6),
    }
    const result = await runProbe(linkProbe({ peer: () => peer, bytesMax: MiB }), { roots, log })
    expect(result).toMatchObject({ status: 'failed', reason: 'another agent is measuring' })
  })
})

describe('a series of link measurements', () => {
  const goodput = (bitsPerSecond: number) => ({
    bitsPerSecond,
    bytesSpent: 1000,
    method: TRAINS_METHOD,
  })
  const measured = (bitsPerSecond: number, rttMs: number) => ({
    rttsMs: [rttMs, rttMs + 1],
    downlink: goodput(bitsPerSecond),
    uplink: goodput(bitsPerSecond / 2),
  })
  const AT = '2024-01-01T00:00:00.000Z'

  test('has no figures before the first measurement', () => {
    expect(new LinkSeries().figures('edge')).toBeUndefined()
  })

  test('gives quantiles over the measurements, their number and what they cost', () => {
    const series = new LinkSeries()
    for (let index = 1; index <= 10; index++) series.add(measured(index * 1e6, 5 + index), AT)
    expect(series.figures('edge')).toMatchObject({
      link: 'edge',
      downlinkBitsPerSecond: {
        p10: expect.closeTo(1.5e6),
        p50: expect.closeTo(5.5e6),
        p90: expect.closeTo(9.5e6),
        n: 10,
        bytesSpent: 10_000,
      },
      rttMs: { min: 6, n: 20, measuredAt: AT },
    })
  })

  test('takes a filled link that is far from what was for another link', () => {
    const series = new LinkSeries()
    const filled = (rate: number) => {
      const one = { bitsPerSecond: rate, bytesSpent: 1000, method: BULK_METHOD, ciShare: 0.02 }
      return { rttsMs: [5], downlink: one, uplink: one }
    }
    for (const rate of [4.3e6, 4.4e6, 9.5e6]) series.add(filled(rate), AT)
    expect(series.figures('edge')?.downlinkBitsPerSecond).toMatchObject({ p50: 9.5e6, n: 1 })
    series.add(filled(9.4e6), AT)
    expect(series.figures('edge')?.downlinkBitsPerSecond).toMatchObject({ n: 2 })
  })

  test('keeps what a look told of a changed rate only until there is better', () => {
    const series = new LinkSeries()
    series.add(measured(8e6, 5), AT)
    series.restart('down', { seenBy: 'train', rate: 4e6, measuredAt: AT })
    const figures = series.figures('edge')
    expect(figures?.downlinkBitsPerSecond?.p50).toBeCloseTo(3.86e6, -4)
    expect(figures?.uplinkBitsPerSecond?.p50).toBeCloseTo(4e6, 0)
    series.add(measured(3.7e6, 5), AT)
    expect(series.figures('edge')?.downlinkBitsPerSecond).toMatchObject({ p50: 3.7e6, n: 1 })
  })

  test('forgets the oldest beyond its limit', () => {
    const series = new LinkSeries({ measurementsMax: 3 })
    for (const rate of [1e6, 9e6, 9e6, 9e6]) series.add(measured(rate, 5), AT)
    expect(series.figures('edge')?.downlinkBitsPerSecond).toMatchObject({ p10: 9e6, n: 3 })
  })
})
