import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeFrame, type Frame } from '../../../firmware-bridge/frame-codec.ts'
import { FrameParser } from '../../../firmware-bridge/frame-parser.ts'
import { FirmwareLink, type LinkStatus } from '../../../firmware-bridge/link/firmware-link.ts'
import { type EventValues, REQUESTS } from '../../../firmware-bridge/protocol/messages.ts'
import { SerialLine } from '../../../firmware-bridge/serial/serial-line.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { EmulatedBoard, missingFirmwareTools } from '../../support/emulated-board.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'

interface Linked {
  readonly link: FirmwareLink
  readonly statuses: readonly LinkStatus[]
  readonly samples: readonly EventValues<'samples'>[]
  /** Where the board is looked for from now on. */
  plugInto(path: string): void
}

/** Started; its first attempt may have come before a busy machine had the board running. */
async function linkTo(path: string): Promise<Linked> {
  const statuses: LinkStatus[] = []
  const samples: EventValues<'samples'>[] = []
  let current = path
  const link = new FirmwareLink({
    findPath: async () => current,
    baudRate: 115_200,
    random: seededRandom(1),
    log: testLog().log,
    onStatus: status => statuses.push(status),
    onSamples: one => samples.push(one),
  })
  onTestFinished(() => link.stop())
  await link.start()
  const plugInto = (next: string): void => {
    current = next
  }
  return { link, statuses, samples, plugInto }
}

async function readyLinkTo(path: string): Promise<Linked> {
  const linked = await linkTo(path)
  await becomes(linked.link, 'ready')
  return linked
}

function becomes(link: FirmwareLink, state: LinkStatus['state']): Promise<true> {
  return waitFor(() => link.status.state === state || undefined, { ms: 20_000, what: state })
}

describe.skipIf(missingFirmwareTools.length > 0)('the link to an emulated board', () => {
  test('asks, and the board answers', async () => {
    const { link } = await readyLinkTo((await EmulatedBoard.start()).path)
    expect(link.status).toMatchObject({ state: 'ready', board: { board: 'lm3s6965', channels: 2 } })
    expect(await link.request('selfTest', {})).toMatchObject({ status: 0, failed: 0 })
    expect(await link.request('statistics', {})).toMatchObject({ checksumErrors: 0, resets: 0 })
  })

  test('samples come at the commanded rate, in the commanded slots only, with their times', async () => {
    const { link, samples } = await readyLinkTo((await EmulatedBoard.start()).path)
    await link.request('configure', { channel: 0, rateMilliHz: 500_000, samplesPerFrame: 25 })
    const slots = { slotMicros: 100_000, slotCount: 6, slots: Uint8Array.of(0b101010) }
    await link.request('start', { startMicros: 0, ...slots })
    const count = () => samples.reduce((sum, { values }) => sum + values.length, 0)
    await waitFor(() => count() === 150 || undefined, { ms: 20_000, what: '150 samples' })
    // 2 ms a sample: slots 1, 3 and 5 hold samples 50 to 99, 150 to 199 and 250 to 299.
    const indices = samples.flatMap(({ firstIndex, values }) =>
      Array.from(values, (_, offset) => firstIndex + offset),
    )
    const slot = (from: number) => Array.from({ length: 50 }, (_, offset) => from + offset)
    expect(indices).toEqual([...slot(50), ...slot(150), ...slot(250)])
    const [first] = samples
    for (const { firstIndex, firstMicros } of samples) {
      const fromFirst = (firstIndex - (first?.firstIndex ?? 0)) * 2000
      expect(firstMicros - (first?.firstMicros ?? 0)).toBe(fromFirst)
    }
    // A vibration and no constant.
    expect(new Set(samples.flatMap(({ values }) => [...values])).size).toBeGreaterThan(50)
  })

  test('a request that the board does not carry out fails with its reason', async () => {
    const { link } = await readyLinkTo((await EmulatedBoard.start()).path)
    const wanted = { channel: 7, rateMilliHz: 1000, samplesPerFrame: 1 }
    await expect(link.request('configure', wanted)).rejects.toThrow('value out of range')
    const start = { startMicros: 0, slotMicros: 0, slotCount: 0, slots: new Uint8Array() }
    await expect(link.request('start', start)).rejects.toThrow('not configured')
  })

  test('the clocks are compared, with a bound of the error', async () => {
    const { link } = await readyLinkTo((await EmulatedBoard.start()).path)
    const clock = await waitFor(() => link.boardClock ?? undefined, { ms: 20_000, what: 'clock' })
    const { uptimeMillis } = await link.request('statistics', {})
    const hostNow = (performance.timeOrigin + performance.now()) * 1000
    const boardNow = link.boardMicros(hostNow) ?? Number.NaN
    // The answer's way back lies between: the bound, and what the machine took to hand it on.
    expect(boardNow - uptimeMillis * 1000).toBeGreaterThan(-clock.errorMicros - 1000)
    expect(clock.errorMicros).toBeGreaterThan(0)
    expect(clock.errorMicros).toBeLessThan(400_000)
  })

  test('a board that falls silent is lost although its port is open, and is found again', async () => {
    const board = await EmulatedBoard.start()
    const { link, statuses } = await readyLinkTo(board.path)
    board.freeze()
    await becomes(link, 'lost')
    expect(link.status).toMatchObject({ reason: expect.stringContaining('said nothing for') })
    await expect(link.request('stop', {})).rejects.toThrow('the board is lost')
    board.thaw()
    await becomes(link, 'ready')
    expect(statuses.map(({ state }) => state).slice(-3)).toEqual(['ready', 'lost', 'ready'])
  })

  test('a board that is plugged in again under another number is the same board', async () => {
    const first = await EmulatedBoard.start()
    const { link, plugInto } = await readyLinkTo(first.path)
    const before = link.status
    await first.unplug()
    await becomes(link, 'lost')
    plugInto((await EmulatedBoard.start()).path)
    await becomes(link, 'ready')
    expect(link.status).toEqual(before)
    expect(link.statistics.losses).toBeGreaterThan(0)
  })

  test('another board never takes the role of the first', async () => {
    const first = await EmulatedBoard.start({ number: 1 })
    const { link, plugInto } = await readyLinkTo(first.path)
    await first.unplug()
    await becomes(link, 'lost')
    plugInto((await EmulatedBoard.start({ number: 2 })).path)
    await waitFor(
      () =>
        (link.status.state === 'lost' && link.status.reason.includes('another board answers')) ||
        undefined,
      { ms: 20_000, what: 'the refusal of the other board' },
    )
    plugInto((await EmulatedBoard.start({ number: 1 })).path)
    await becomes(link, 'ready')
  })

  test('a path that is not there is said in words', async () => {
    const { link } = await linkTo('/dev/serial/by-id/none')
    expect(link.status).toMatchObject({
      state: 'lost',
      reason: expect.stringContaining('is the cable plugged in?'),
    })
  })

  test('noise on the line is counted by the board, and the next request is answered', async () => {
    const { path } = await EmulatedBoard.start()
    const parser = new FrameParser()
    const frames: Frame[] = []
    parser.on('data', frame => frames.push(frame))
    const line = await SerialLine.open(
      { path, baudRate: 115_200 },
      { bytes: bytes => parser.write(bytes), end: () => undefined },
    )
    onTestFinished(() => line.close())
    const ask = (type: number, sequence: number) =>
      line.write(encodeFrame({ type, sequence, payload: new Uint8Array() }))
    let askedMs = 0
    // Asked again: what a board says before QEMU knows of its listener is lost.
    const replyTo = (type: number, sequence: number) =>
      waitFor(
        () => {
          if (performance.now() - askedMs > 300) {
            ask(type, sequence)
            askedMs = performance.now()
          }
          return frames.find(one => one.type >= 0x80 && one.sequence === sequence)
        },
        { ms: 20_000, what: `reply ${sequence}` },
      )
    await replyTo(REQUESTS.identify.type, 1)
    const random = seededRandom(5)
    line.write(Uint8Array.from({ length: 700 }, () => Math.floor(random() * 256)))
    line.write(Uint8Array.of(0))
    const { payload } = await replyTo(REQUESTS.statistics.type, 2)
    const statistics = Buffer.from(payload)
    const [checksums, stuffings, truncated, overruns] = [12, 16, 20, 24].map(at =>
      statistics.readUInt32LE(at),
    )
    const counted = (checksums ?? 0) + (stuffings ?? 0) + (truncated ?? 0) + (overruns ?? 0)
    expect(counted).toBeGreaterThan(0)
  })
})
