import { crc32 } from 'node:zlib'
import type { AgentConfig } from '../config/agent-schema.ts'
import type { CrClock } from '../protocol/life.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { seededRandom } from '../runtime/seeded-random.ts'
import { endRequested, PartStack } from '../runtime/shutdown.ts'
import { openStateDirectory, type StateDirectory } from '../runtime/state-directory.ts'
import { packageVersion } from '../runtime/version.ts'
import { AgentHealthReporter } from './agent-health.ts'
import { AgentLife } from './agent-life.ts'
import { AgentNotices } from './agent-notices.ts'
import { AssignmentRunner } from './assignment/assignment-runner.ts'
import { TrainerPool } from './assignment/trainer-pool.ts'
import { type Attached, openAttached } from './attached.ts'
import { openBrokerSession } from './broker-session.ts'
import { scheduleFrom } from './cr-schedule.ts'
import { TrainerLimits } from './limits/trainer-limits.ts'
import { computingShareOf } from './measure/cpu-probe.ts'
import { readInventory } from './measure/inventory.ts'
import { buildMeasuring, type Measuring } from './measuring.ts'
import { Outgoing } from './outgoing.ts'
import { applyUplinkPower } from './radio/transmit-power.ts'
import { openSamples, type Samples, sensingPart } from './samples/samples.ts'
import { BlobCache } from './transfer/blob-cache.ts'
import { BlobFetcher } from './transfer/blob-fetch.ts'
import { RadioPools } from './urp/radio-pools.ts'
import { UrpCycle } from './urp-cycle.ts'

/** Larger models are refused: they would not fit a board's memory anyway. */
const BLOB_BYTES_MAX = 512 * 2 ** 20
const CACHE_BYTES_MAX = 256 * 2 ** 20
/** A trainer that had no work for so long is ended; the next one costs half a second of a core. */
const TRAINER_IDLE_MS_MAX = 120_000

/** Runs the agent until it is asked to end. Rejects only where it cannot start at all. */
export async function runAgent(config: AgentConfig, { log }: { log: Logger }): Promise<void> {
  const end = endRequested()
  const parts = new PartStack(log)
  const state = await openStateDirectory(config.stateDirectory)
  try {
    await startAgent(config, { state, parts, end, log })
    log.info({ reason: await end }, 'agent is asked to end')
  } finally {
    await parts.stop()
    await state.close()
    log.info('agent ended')
  }
}

interface Foundation {
  readonly state: StateDirectory
  readonly parts: PartStack
  /** Resolves when the agent is asked to end. */
  readonly end: Promise<unknown>
  readonly log: Logger
}

/** What every part of the agent is built on. */
interface Ground extends Foundation, Measuring {
  readonly config: AgentConfig
  readonly clock: Clock
  readonly wire: WireSession
  readonly attached: Attached
  readonly samples: Samples
  readonly trainerLimits: TrainerLimits
  readonly outgoing: Outgoing
  readonly life: AgentLife
}

async function startAgent(config: AgentConfig, foundation: Foundation): Promise<void> {
  const ground = await layGround(config, foundation)
  const { wire, parts, life, measurements, outgoing, clockSync, cost, log, attached } = ground
  const runner = parts.add('assignments', buildRunner(ground))
  const cycle = parts.add('urp', buildUrpCycle(ground))
  attached.onChange(() => cycle.onSensorChange())
  const health = parts.add(
    'health',
    new AgentHealthReporter({
      wire,
      agentId: config.agentId,
      periodSeconds: config.healthSeconds,
      outbox: () => outgoing.status,
      sensors: attached.sensors,
      readProbes: () => measurements.readCheap(),
      clock: () => clockSync.figures,
      cost: () => cost.report,
      log,
    }),
  )
  await listen(ground, runner, cycle)
  await outgoing.start()
  wire.connection.onConnected(async () => {
    await life.announce()
    await clockSync.refresh()
    // The link is measured as soon as there is somebody at its other end.
    if (!measurements.linkFigures) await measurements.measureNow('link')
  })
  parts.add('broker', { stop: () => wire.connection.stop(() => life.sayGoodbye()) })
  wire.connection.start()
  await measurements.readCheap()
  let isEnding = false
  const asked = ground.end.then(() => {
    isEnding = true
  })
  // Whoever asks it to end meanwhile does not wait for the probe, which stop() gives up.
  await Promise.race([measurements.measureNow('compute'), asked])
  if (isEnding) return
  measurements.startSchedule()
  life.enter('ready')
  health.start()
}

async function layGround(config: AgentConfig, foundation: Foundation): Promise<Ground> {
  const { agentId, measure, limits } = config
  const { state, parts, log } = foundation
  const clock = systemClock
  const session = await state.nextSession()
  // With the name: boards that are set up in one second count their lives from the same number.
  const seed = (session ^ crc32(agentId)) >>> 0
  const random = seededRandom(seed)
  const { procRoot, sysRoot } = measure
  const board = await readInventory({ procRoot, sysRoot, log })
  const wire = openBrokerSession({ config, session, clock, random, log })
  const { niceness, memoryBytes } = limits
  const trainerLimits = parts.add(
    'limits',
    new TrainerLimits({
      roots: { procRoot, sysRoot },
      niceness,
      memoryBytesMax: memoryBytes,
      log,
    }),
  )
  const life = new AgentLife({
    wire,
    agentId,
    birth: () => ({
      agentId,
      version: packageVersion(),
      startedAt: new Date(clock.now() - process.uptime() * 1000).toISOString(),
      board,
      sensors: attached.sensors.map(({ id, kind, senses }) => ({ sensor: id, kind, senses })),
      limits: {
        computingShare: limits.computingShare,
        memoryBytes: limits.memoryBytes,
        outboxBytes: config.outbox.bytesMax,
      },
      confinement: trainerLimits.confinement,
    }),
    log,
  })
  const measuring = await buildMeasuring(config, {
    wire,
    clock,
    random,
    onFailed: failure => notices.probeFailed(failure),
    log,
  })
  const notices = new AgentNotices({ life, send: event => outgoing.event(event) })
  const outgoing = parts.add(
    'outbox',
    await Outgoing.open({
      wire,
      agentId,
      directory: state.path('outbox'),
      bytesMax: config.outbox.bytesMax,
      meter: measuring.linkWatch.meter,
      clock,
      random,
      onDegraded: reason => notices.outboxDegraded(reason),
      onQuarantined: (topic, file) => notices.messageSetAside(topic, file),
      log,
    }),
  )
  const attached = await openAttached(config, {
    seed,
    clock,
    parts,
    cost: measuring.cost,
    onChange: change => notices.sensorChanged(change),
    log,
  })
  parts.add('link watch', measuring.linkWatch)
  parts.add('measurements', measuring.measurements)
  parts.add('clock', measuring.clockSync).start()
  const folder = state.path('samples')
  const samples = await openSamples(config, { folder, sensors: attached.sensors, log })
  const built = { config, clock, wire, attached, samples, trainerLimits, outgoing, life }
  return { ...foundation, ...measuring, ...built }
}

function buildRunner(ground: Ground): AssignmentRunner {
  const { config, clock, wire, attached, outgoing, life, clockSync, state, parts, log } = ground
  const { niceness, memoryBytes } = config.limits
  const { trainerLimits: limits } = ground
  const trainers = parts.add(
    'trainer',
    new TrainerPool({ niceness, limits, idleMsMax: TRAINER_IDLE_MS_MAX, log }),
  )
  const cache = new BlobCache({ directory: state.path('blobs'), bytesMax: CACHE_BYTES_MAX, log })
  const fetcher = new BlobFetcher({
    wire,
    cache,
    bytesMax: BLOB_BYTES_MAX,
    meter: ground.linkWatch.meter,
    log,
  })
  return new AssignmentRunner({
    clock,
    offsetMs: () => clockSync.offsetMs,
    sensors: attached.sensors,
    samples: ground.samples,
    trainers,
    memoryBytesMax: memoryBytes,
    fetchBlob: async (reference, { untilMs, signal, pace }) => {
      const deadlineMs = Math.max(0, untilMs - clock.now())
      return (await fetcher.fetch(reference, { deadlineMs, signal, pace })).bytes
    },
    upload: (update, pace) => outgoing.upload(update, pace),
    applyPower: advice =>
      applyUplinkPower(advice, {
        interfaceName: ground.measurements.linkFigures?.interface?.name,
        mayApply: config.limits.transmitPower === 'apply',
      }),
    report: status => outgoing.report(status),
    onBusy: isBusy => life.enter(isBusy ? 'busy' : 'ready'),
    log,
  })
}

function buildUrpCycle(ground: Ground): UrpCycle {
  const { config, clock, wire, attached, clockSync, cost, measurements, log } = ground
  const { agentId, link, limits, measure } = config
  const cpu = (): ReturnType<typeof cpuOf> => cpuOf(measurements)
  const forecast = { quantile: measure.forecastQuantile, roundsMax: measure.historyRounds }
  return new UrpCycle({
    agentId,
    link,
    procRoot: measure.procRoot,
    sysRoot: measure.sysRoot,
    units: () => cpu().cores.map(({ unit }) => unit),
    computingShareMax: () => computingShareOf(cpu(), limits.computingShare),
    computingShareReserved: limits.computingShareReserved,
    limits,
    forecast,
    wire,
    clock,
    offsetMs: () => clockSync.offsetMs,
    clockFigures: () => clockSync.figures,
    cost,
    results: () => measurements.results,
    linkFigures: () => attached.withAir(measurements.linkFigures, link),
    sensing: () => sensingPart(attached.sensing(), ground.samples),
    radioPools: new RadioPools({ radios: attached.radios, forecast, clock }),
    log,
  })
}

function cpuOf({ results }: Measuring['measurements']) {
  return results.cpu?.status === 'ok' ? results.cpu.values : { cores: [] }
}

/** What comes from the controller goes to the parts that it is for. */
async function listen(ground: Ground, runner: AssignmentRunner, cycle: UrpCycle): Promise<void> {
  const { wire, config, clockSync, linkWatch } = ground
  const { agentId } = config
  let announced: CrClock | null = null
  await wire.on('modelManifest', {}, manifest => runner.onManifest(manifest))
  const follow = async (): Promise<void> => {
    if (announced) await cycle.follow(scheduleFrom(announced, clockSync.offsetMs))
  }
  clockSync.onCorrected(follow)
  await wire.on('crClock', {}, async body => {
    announced = body
    void linkWatch.onRound()
    await clockSync.refresh()
    await follow()
  })
  await wire.on('assignment', { agentId }, assignment => {
    if (!announced) return
    runner.onAssignment(assignment, scheduleFrom(announced, clockSync.offsetMs))
  })
}
