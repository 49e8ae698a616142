import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BulkOutcome } from '../../../agent/measure/link/bulk-probe.ts'
import { Lab } from '../../../bench/lab/lab.ts'
import { whyNoLab } from '../../../bench/lab/lab-needs.ts'
import { TCP_PAYLOAD_SHARE, type Wire } from '../../../bench/lab/wire.ts'
import { ProbeEnds } from '../../../bench/link/probe-ends.ts'
import { waitFor } from '../../support/wait-for.ts'

const reason = whyNoLab()
const MiB = 2 ** 20

interface Measured {
  readonly wire: Wire
  readonly ends: ProbeEnds
}

describe.skipIf(reason)(`the link engine${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab
  /** The same two hosts on two wires of their own. */
  let one: Measured
  let other: Measured
  beforeAll(async () => {
    lab = Lab.create({ name: 'engine', hosts: ['board', 'edge'] })
    const start = async (): Promise<Measured> => {
      const wire = lab.wire('board', 'edge')
      const ends = await ProbeEnds.start(lab, {
        board: 'board',
        edge: 'edge',
        address: wire.b.address,
      })
      return { wire, ends }
    }
    ;[one, other] = await Promise.all([start(), start()])
  })
  afterAll(async () => {
    for (const { ends } of [one, other]) ends.stop()
    await lab.remove()
  })

  test('measures each direction as it is shaped, not as the other one is', async () => {
    await one.wire.shape({ up: { bitsPerSecond: 2e6 }, down: { bitsPerSecond: 16e6 } })
    const { uplink, downlink } = await one.ends.measure({
      parts: ['down', 'up'],
      bytesMax: 32 * MiB,
    })
    const [up, down] = [rateOf(uplink), rateOf(downlink)]
    expect(down / up).toBeGreaterThan(6)
    expect(down / up).toBeLessThan(10)
  })

  test('measures two links in the ratio of their rates', async () => {
    await one.wire.shape({ down: { bitsPerSecond: 3e6 } })
    await other.wire.shape({ down: { bitsPerSecond: 30e6 } })
    const [slow, fast] = await Promise.all(
      [one, other].map(async ({ ends }) => {
        const { downlink } = await ends.measure({ parts: ['down'], bytesMax: 32 * MiB })
        return rateOf(downlink)
      }),
    )
    expect((fast ?? 0) / (slow ?? 0)).toBeGreaterThan(7)
    expect((fast ?? 0) / (slow ?? 0)).toBeLessThan(13)
  })

  test('does not take what the sender’s kernel buffers for what the link carries', async () => {
    await one.wire.shape({ up: { bitsPerSecond: 1e6 }, down: { bitsPerSecond: 1e6 } })
    const { uplink, downlink } = await one.ends.measure({
      parts: ['up', 'down'],
      bytesMax: 64 * 1024,
    })
    for (const outcome of [uplink, downlink]) {
      expect(rateOf(outcome) / (1e6 * TCP_PAYLOAD_SHARE)).toBeGreaterThan(0.6)
      expect(rateOf(outcome) / (1e6 * TCP_PAYLOAD_SHARE)).toBeLessThan(1.5)
    }
  })

  test('sees the round trip, and which way packets are lost', async () => {
    await one.wire.shape({ up: { lossShare: 0.25, delayMs: 20 }, down: { delayMs: 10 } })
    const rttsMs: number[] = []
    const lost = { up: 0, down: 0, sent: 0 }
    while (lost.sent < 120) {
      const { datagrams } = await one.ends.measure({
        parts: ['datagrams'],
        packets: 0,
        bytesMax: 0,
      })
      if (datagrams?.status !== 'ok') continue
      rttsMs.push(...datagrams.rttsMs)
      lost.up += datagrams.up.lost
      lost.down += datagrams.down.lost
      lost.sent += datagrams.up.sent
    }
    expect(Math.min(...rttsMs)).toBeGreaterThan(29)
    expect(Math.min(...rttsMs)).toBeLessThan(60)
    // Of 120 fair draws nearly all lie within four deviations; those that end a series do not count.
    expect(lost.up / lost.sent).toBeGreaterThan(0.09)
    expect(lost.up / lost.sent).toBeLessThan(0.41)
    expect(lost.down).toBe(0)
  })

  test('ends a probe of a link that dies under it, each direction with its outcome', async () => {
    for (const { wire } of [one, other]) {
      await wire.shape({ up: { bitsPerSecond: 4e6 }, down: { bitsPerSecond: 4e6 } })
    }
    const dying = async ({ wire, ends }: Measured, part: 'down' | 'up') => {
      const before = wire.passed()[part].bytes
      const measured = ends.measure({ parts: [part], bytesMax: 256 * MiB })
      await waitFor(() => wire.passed()[part].bytes > before + 100_000, {
        what: 'the probe is under way',
      })
      wire.cut()
      const { downlink, uplink } = await measured
      wire.mend()
      return downlink ?? uplink
    }
    expect(await Promise.all([dying(one, 'down'), dying(other, 'up')])).toEqual([
      { status: 'failed', reason: 'nothing came for 4000 ms', bytesSpent: expect.any(Number) },
      { status: 'failed', reason: 'nothing came for 4000 ms', bytesSpent: expect.any(Number) },
    ])
  })

  test('measures again when the link is back, and says no rate while it is away', async () => {
    await one.wire.shape({ down: { bitsPerSecond: 8e6 } })
    one.wire.cut()
    const away = await one.ends.measure({ parts: ['datagrams'], bytesMax: MiB })
    expect(away.datagrams).toMatchObject({ status: 'failed' })
    one.wire.mend()
    const { downlink } = await one.ends.measure({ parts: ['down'], bytesMax: 8 * MiB })
    expect(rateOf(downlink) / (8e6 * TCP_PAYLOAD_SHARE)).toBeGreaterThan(0.7)
  })
})

function rateOf(outcome: BulkOutcome | undefined): number {
  if (outcome?.status !== 'ok') throw new Error(`no rate: ${JSON.stringify(outcome)}`)
  return outcome.bitsPerSecond
}
