import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { AgentHealthReporter } from '../../../agent/agent-health.ts'
import { CostLedger } from '../../../agent/cost/cost-ledger.ts'
import type { LinkPeer } from '../../../agent/measure/link/link-probe.ts'
import { buildProbes } from '../../../agent/measure/registry.ts'
import { Measurements } from '../../../agent/measurements.ts'
import { TextFolderSensor } from '../../../agent/sensors/text-folder-sensor.ts'
import type { AgentHealth } from '../../../protocol/life.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { ROOT } from '../../support/root.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, startWire, USERS } from '../wire/wire-fixture.ts'

const PI = join(ROOT, 'test', 'fixtures', 'boards', 'raspberry-pi-4')
const CLOCK_FIGURES = { offsetMs: 7, errorMs: 0.5, measuredAt: '2026-01-01T00:00:00.000Z' }
const NEVER = '0 0 1 1 *'

function measurementsOn(
  peer: () => LinkPeer | undefined,
  cost = new CostLedger({ clock: systemClock }),
) {
  const { log } = testLog()
  const measurements = new Measurements({
    probes: buildProbes({ link: { peer, bytesMax: 256 * 1024 } }),
    roots: { procRoot: join(PI, 'proc'), sysRoot: join(PI, 'sys') },
    link: 'edge',
    schedules: { compute: NEVER, link: NEVER },
    random: seededRandom(1),
    cost,
    onFailed: () => {},
    log,
  })
  onTestFinished(() => measurements.stop())
  return measurements
}

test('the health of a board is said at its pace, with what its parts are like', async () => {
  const { port } = await startEmbedded({ users: USERS })
  const { wire, log } = await startWire(port, AGENT)
  const { wire: reader } = await startWire(port, CONTROLLER)
  const heard: AgentHealth[] = []
  await reader.on('agentHealth', {}, health => void heard.push(health))
  const path = join(ROOT, 'no-such-folder')
  const sensor = { id: 'text', path, bytesPerSecond: 10, seed: 1, clock: systemClock, log }
  const cost = new CostLedger({ clock: systemClock })
  const measurements = measurementsOn(() => undefined, cost)
  const reporter = new AgentHealthReporter({
    wire,
    agentId: AGENT.username,
    periodSeconds: 1,
    outbox: () => ({
      produced: 7,
      delivered: 4,
      storedMessages: 2,
      storedBytes: 99,
      dropped: 1,
      droppedFor: { overflow: 1, disk: 0, quarantined: 0, crash: 0 },
      degraded: null,
    }),
    sensors: [new TextFolderSensor(sensor)],
    readProbes: () => measurements.readCheap(),
    clock: () => CLOCK_FIGURES,
    cost: () => cost.report,
    log,
  })
  reporter.start()
  onTestFinished(() => reporter.stop())
  await waitFor(() => heard.length >= 2, { what: 'two reports' })
  expect(heard[1]).toMatchObject({
    temperatureCelsius: 61.345,
    throttled: true,
    memoryAvailableBytes: expect.any(Number),
    outbox: { storedMessages: 2, storedBytes: 99, delivered: 4, dropped: 1 },
    sensors: { text: 'lost' },
    rejectedMessages: 0,
    clock: CLOCK_FIGURES,
  })
  // Ten cheap probes, read for the second time, and none of them costs bytes.
  const parts = Object.values(heard[1]?.cost?.parts ?? {})
  expect(parts.reduce((sum, { runs }) => sum + runs, 0)).toBe(20)
  expect(heard[1]?.cost?.sinceStart).toMatchObject({ sentBytes: 0, receivedBytes: 0 })
  const { cpuShare, wire: bytes } = heard[1] ?? {}
  expect(cpuShare).toBeGreaterThan(0)
  expect(bytes?.bytesSent).toBeGreaterThan(heard[0]?.wire.bytesSent ?? 0)
})

test('figures of the link outlive a measurement that failed or found nobody', async () => {
  let state: 'there' | 'away' | 'refuses' = 'away'
  const peer: LinkPeer = {
    exchangeClock: async () => ({ rttMs: 3, offsetMs: 0 }),
    download: async ({ blocks, blockBytes }) => {
      if (state === 'refuses') throw new Error('another agent is measuring')
      return { receivedBytes: (blocks - 1) * blockBytes, durationMs: 300 }
    },
    upload: async ({ blocks, blockBytes }) => ({
      receivedBytes: (blocks - 1) * blockBytes,
      durationMs: 300,
    }),
  }
  const measurements = measurementsOn(() => (state === 'away' ? undefined : peer))
  await measurements.measureNow('link')
  expect(measurements.results.link?.status).toBe('absent')
  expect(measurements.linkFigures).toBeUndefined()
  state = 'there'
  await measurements.measureNow('link')
  const { linkFigures } = measurements
  expect(linkFigures).toMatchObject({ link: 'edge', rttMs: { p50: 3 } })
  for (const next of ['refuses', 'away'] as const) {
    state = next
    await measurements.measureNow('link')
    expect(measurements.results.link?.status).toBe('ok')
    expect(measurements.linkFigures).toEqual(linkFigures)
  }
})

test('a rate that could not be measured again stays what it was', async () => {
  const { log } = testLog()
  let isFailing = false
  const compute = {
    name: 'compute',
    durationMsMax: 1000,
    read: async () => {
      if (isFailing) throw new Error('the trainer process was ended by SIGKILL')
      const values = { runtime: 'native' as const, classes: [], before: {}, after: {} }
      return { status: 'ok', values, figures: [], method: 'training steps' } as const
    },
  }
  const failures: { probe: string; reason: string }[] = []
  const measurements = new Measurements({
    probes: { ...buildProbes({ link: { peer: () => undefined, bytesMax: 1 } }), compute },
    roots: { procRoot: join(PI, 'proc'), sysRoot: join(PI, 'sys') },
    link: 'edge',
    schedules: { compute: NEVER, link: NEVER },
    random: seededRandom(1),
    cost: new CostLedger({ clock: systemClock }),
    onFailed: failure => failures.push(failure),
    log,
  })
  isFailing = true
  await measurements.measureNow('compute')
  expect(measurements.results.compute?.status).toBe('failed')
  expect(failures).toEqual([
    { probe: 'compute', reason: 'the trainer process was ended by SIGKILL' },
  ])
  isFailing = false
  await measurements.measureNow('compute')
  const { compute: measured } = measurements.results
  isFailing = true
  await measurements.measureNow('compute')
  expect(measurements.results.compute).toEqual(measured)
  await measurements.stop()
})
