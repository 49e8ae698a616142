import { describe, expect, test } from 'vitest'
import { ControllerPeer } from '../../../agent/controller-peer.ts'
import { ByteBudget } from '../../../agent/measure/link/byte-budget.ts'
import type { InterfaceFigures } from '../../../agent/measure/link/link-interface.ts'
import { type LinkPeer, linkProbe } from '../../../agent/measure/link/link-probe.ts'
import { LinkSeries } from '../../../agent/measure/link/link-series.ts'
import { LinkWatch } from '../../../agent/measure/link/link-watch.ts'
import { LookPlan } from '../../../agent/measure/link/look-plan.ts'
import { TRAINS_METHOD } from '../../../agent/measure/link/mqtt-trains.ts'
import { type Probe, runProbe } from '../../../agent/measure/probe.ts'
import { ProbeResponder } from '../../../controller/probe/probe-responder.ts'
import { TokenDesk } from '../../../controller/probe/token-desk.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { AGENT, CONTROLLER, startWire, USERS } from '../wire/wire-fixture.ts'

const HOST = '127.0.0.1'
const MiB = 2 ** 20
const SEED = 3
const roots = { procRoot: '/proc', sysRoot: '/sys' }
const PROBE = {
  enabled: true,
  port: 0,
  bulkProbesMax: 4,
  bytesMax: 64 * MiB,
  groupBytesPerDayMax: 256 * MiB,
}

/** An agent and a controller with a probe port, on one broker. */
async function startBoth(more: Partial<typeof PROBE> = {}) {
  const broker = await startEmbedded({ users: USERS })
  const agent = await startWire(broker.port, AGENT)
  const { wire, log } = await startWire(broker.port, CONTROLLER)
  const responder = new ProbeResponder({ wire, clock: systemClock, log })
  await responder.start()
  const config = { ...PROBE, ...more }
  const desk = new TokenDesk({ config, host: HOST, wire, random: seededRandom(SEED), log })
  await desk.start()
  const agentId = AGENT.username
  const peer = new ControllerPeer({ wire: agent.wire, agentId, clock: systemClock })
  await peer.start()
  const read = <Values>(probe: Probe<Values>) => runProbe(probe, { roots, log })
  return { desk, peer, read, log, stop: () => desk.stop() }
}

/** A watch whose measurement is the probe itself. */
function watchOf(
  peer: LinkPeer,
  o: { readonly isMetered?: boolean; readonly bytesPerDayMax?: number } & Pick<
    Awaited<ReturnType<typeof startBoth>>,
    'log' | 'read'
  >,
) {
  const { isMetered = false, bytesPerDayMax = 1e12, log, read } = o
  const limits = { bytesPerDayMax, capacityShareMax: 0.1 }
  const series = new LinkSeries()
  const link: InterfaceFigures = { name: 'wwan0', kind: 'cellular', isMetered }
  const watch: LinkWatch = new LinkWatch({
    peer: () => peer,
    series,
    budget: new ByteBudget(limits),
    plan: new LookPlan(limits),
    readInterface: async () => link,
    measureNow: async () => {
      const result = await read(probe)
      if (result.status === 'ok') series.add(result.values, result.measuredAt)
    },
    onSpent: () => undefined,
    log,
  })
  const probe = linkProbe({ peer: () => peer, bytesMax: 4 * MiB, budget: watch })
  return { watch, series, probe }
}

describe('a link with a probe port', () => {
  test('is measured there by TCP and UDP, and the URP says how', async () => {
    const { peer, read, log, stop } = await startBoth()
    const { watch, series } = watchOf(peer, { log, read })
    await watch.onRound()
    const figures = series.figures('edge')
    expect(figures).toMatchObject({
      downlinkBitsPerSecond: { n: 1 },
      uplinkBitsPerSecond: { n: 1 },
      rttMs: { method: 'UDP echo', p95: expect.any(Number) },
      loss: { down: { n: expect.any(Number) }, up: { share: expect.any(Number) } },
      jitterMs: { method: 'UDP echo' },
      interface: { name: 'wwan0', isMetered: false },
    })
    expect(figures?.downlinkBitsPerSecond?.p50).toBeGreaterThan(1e6)
    await stop()
  })

  test('of which the bytes of the day are spent is not measured, also not through the broker', async () => {
    const { peer, read, stop } = await startBoth({ groupBytesPerDayMax: 64 * 1024 })
    const result = await read(linkProbe({ peer: () => peer, bytesMax: 8 * MiB }))
    expect(result).toMatchObject({
      status: 'absent',
      reason: expect.stringMatching(/refused: .* of 65536 bytes of the day are spent/),
    })
    await stop()
  })

  test('on which the agent may spend nothing is not measured, and its rate is not 0', async () => {
    const { peer, read, log, stop } = await startBoth()
    const { watch, series, probe } = watchOf(peer, { log, read, bytesPerDayMax: 1000 })
    expect(await read(probe)).toMatchObject({
      status: 'absent',
      reason: expect.stringContaining('of 1000 bytes'),
    })
    await watch.onRound()
    expect(series.figures('edge')?.downlinkBitsPerSecond).toBeUndefined()
    await stop()
  })

  test('that is metered is not filled, but its round trips are known', async () => {
    const { peer, read, log, stop } = await startBoth()
    const { probe, watch, series } = watchOf(peer, { log, read, isMetered: true })
    await watch.onRound()
    const figures = series.figures('edge')
    expect(figures?.rttMs?.n).toBeGreaterThan(0)
    expect(figures?.downlinkBitsPerSecond).toBeUndefined()
    expect(await read(probe)).toMatchObject({
      status: 'absent',
      reason: expect.stringContaining('wwan0 is metered'),
    })
    await stop()
  })

  test('whose port does not answer is measured through the broker, which is said', async () => {
    const { peer, read, stop, desk } = await startBoth()
    const closed = desk.port ?? 0
    const lost: LinkPeer = {
      exchangeClock: () => peer.exchangeClock(),
      download: train => peer.download(train),
      upload: train => peer.upload(train),
      grant: async (wish, signal) => ({ ...(await peer.grant(wish, signal)), port: closed + 1 }),
    }
    const result = await read(linkProbe({ peer: () => lost, bytesMax: 128 * 1024 }))
    if (result.status !== 'ok') throw new Error('measured')
    expect(result.method).toBe(TRAINS_METHOD)
    expect(result.values.downlink.bitsPerSecond).toBeGreaterThan(0)
    expect(Object.keys(result.values.missing ?? {})).toEqual([
      'datagrams',
      'downlink by TCP',
      'uplink by TCP',
    ])
    await stop()
  })
})

test('a controller without a probe port says so, and links are measured through the broker', async () => {
  const { peer, read, stop } = await startBoth({ enabled: false })
  const result = await read(linkProbe({ peer: () => peer, bytesMax: 128 * 1024 }))
  expect(result).toMatchObject({ status: 'ok', method: TRAINS_METHOD })
  if (result.status === 'ok') {
    expect(result.values.missing?.datagrams).toContain('probe.enabled is false')
  }
  await stop()
})

test('a controller whose port is taken runs on without it', async () => {
  const first = await startBoth()
  const second = await startBoth({ port: first.desk.port ?? 0 })
  expect(second.desk.port).toBeUndefined()
  await second.stop()
  await first.stop()
})
