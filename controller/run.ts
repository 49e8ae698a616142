import type { ControllerConfig } from '../config/controller-schema.ts'
import type { BrokerConnection } from '../protocol/broker-connection.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { seededRandom } from '../runtime/seeded-random.ts'
import { endRequested, PartStack } from '../runtime/shutdown.ts'
import { openStateDirectory, type StateDirectory } from '../runtime/state-directory.ts'
import { packageVersion } from '../runtime/version.ts'
import { Aggregator } from './aggregate/aggregator.ts'
import { openBroker } from './broker/open-broker.ts'
import { openBrokerSession } from './broker-session.ts'
import { ControllerLife } from './controller-life.ts'
import { Fleet } from './fleet/fleet.ts'
import { listenToFleet } from './fleet/fleet-listener.ts'
import { waitForAgents } from './fleet/wait-for-agents.ts'
import { Evaluator } from './models/evaluator.ts'
import { ModelLibrary } from './models/model-library.ts'
import { ModelPublisher } from './models/model-publisher.ts'
import { openPolicy } from './orchestrate/policies/open-policy.ts'
import { ProbeResponder } from './probe/probe-responder.ts'
import { TokenDesk } from './probe/token-desk.ts'
import { CrCounter } from './rounds/cr-counter.ts'
import { LearningCurves } from './rounds/learning-curves.ts'
import { recoverUpdates } from './rounds/recover-updates.ts'
import { RoundLog } from './rounds/round-log.ts'
import { RoundRunner } from './rounds/round-runner.ts'
import { RoundWork } from './rounds/round-work.ts'
import { BlobPublisher } from './transfer/blob-publisher.ts'
import { DeliveryLedger } from './transfer/delivery-ledger.ts'
import { UpdateIntake } from './transfer/update-intake.ts'

/** Models are published after the first connect, or after this time at the next one. */
const FIRST_CONNECT_MS = 3000

/** Runs the controller until it is asked to end. Rejects only where it cannot start at all. */
export async function runController(
  config: ControllerConfig,
  { log }: { log: Logger },
): Promise<void> {
  const end = endRequested()
  const parts = new PartStack(log)
  const state = await openStateDirectory(config.stateDirectory)
  try {
    await startController({ config, state, parts, log, clock: systemClock })
    log.info({ reason: await end }, 'controller is asked to end')
  } finally {
    await parts.stop()
    await state.close()
    log.info('controller ended')
  }
}

interface Foundation {
  readonly config: ControllerConfig
  readonly state: StateDirectory
  readonly parts: PartStack
  readonly clock: Clock
  readonly log: Logger
}

interface Ground extends Foundation {
  readonly wire: WireSession
  readonly life: ControllerLife
  readonly fleet: Fleet
}

async function startController(foundation: Foundation): Promise<void> {
  const { config, state, parts, clock, log } = foundation
  const policy = await openPolicy(config, log)
  const library = new ModelLibrary({ stateDirectory: state.root, log })
  await library.open(config.models, config.training, clock.now())
  const session = await state.nextSession()
  const access = await openBroker(config, { parts, log })
  const wire = openBrokerSession({ config, access, session, clock, log })
  const identity = { controllerId: config.controllerId, version: packageVersion() }
  const life = new ControllerLife({ wire, identity, log })
  await life.start()
  const ground: Ground = { ...foundation, wire, life, fleet: new Fleet() }
  parts.add('broker session', { stop: () => wire.connection.stop(() => life.sayGoodbye()) })
  const responder = parts.add('probe responder', new ProbeResponder({ wire, clock, log }))
  await responder.start()
  const desk = parts.add(
    'probe port',
    new TokenDesk({
      config: config.probe,
      host: config.broker.host,
      wire,
      random: seededRandom(session),
      log,
    }),
  )
  await desk.start()
  const models = await openModels(ground, library)
  const aggregator = new Aggregator({ config: config.aggregation, library })
  const roundsPath = state.path('rounds.jsonl')
  const curves = new LearningCurves(config.gain)
  await curves.read(roundsPath)
  const work = new RoundWork({
    config,
    policy,
    wire,
    clock,
    random: seededRandom(session),
    library,
    aggregator,
    ...models,
    log,
    roundLog: new RoundLog(roundsPath),
    curves,
  })
  await startRounds(ground, { library, aggregator, work, ...models })
}

type Models = Awaited<ReturnType<typeof openModels>>

async function openModels({ wire, state, parts, log, config }: Ground, library: ModelLibrary) {
  const blobs = parts.add(
    'blobs',
    await BlobPublisher.open({ wire, ledgerPath: state.path('published-blobs.json'), log }),
  )
  const publisher = new ModelPublisher({ wire, library, blobs, log })
  const evaluator = parts.add('evaluator', new Evaluator({ ...config.evaluation, log }))
  return { blobs, publisher, evaluator }
}

async function startRounds(
  ground: Ground,
  o: Models & {
    readonly library: ModelLibrary
    readonly aggregator: Aggregator
    readonly work: RoundWork
  },
): Promise<void> {
  const { wire, life, fleet, config, state, parts, clock, log } = ground
  const { library, aggregator, work, blobs, publisher } = o
  const intake = parts.add('updates', await openIntake(ground, work))
  await recoverUpdates({ intake, library, aggregator, clock, log })
  const ledger = await DeliveryLedger.open({ path: state.path('deliveries'), log })
  parts.add('deliveries', { stop: () => ledger.close() })
  const counter = new CrCounter({ stateDirectory: state.root, log })
  await counter.open()
  const runner = new RoundRunner({
    clock,
    counter,
    ...config.clock,
    schedule: config.schedule,
    limit: config.rounds.limit,
    actions: work,
    present: () => fleet.present.map(({ agentId }) => agentId),
    onFinished: () => life.enter('finished'),
    log,
  })
  parts.add('rounds', runner)
  work.attach({ runner, intake })
  await listenToFleet({ ...ground, runner, ledger, blobs, blobsOf: id => blobsOf(library, id) })
  await intake.start()
  wire.connection.onConnected(async () => {
    await life.announce()
    await publisher.announceAll()
  })
  wire.connection.start()
  await connectedOrLate(wire.connection)
  await work.publishModels()
  await blobs.retireOthers()
  const waiting = new AbortController()
  parts.add('start', { stop: async () => waiting.abort(new Error('the controller stops')) })
  const { agentsMin, agentsWaitSeconds: waitSeconds } = config.rounds
  waitForAgents({ fleet, agentsMin, waitSeconds, clock, signal: waiting.signal, log })
    .then(() => {
      life.enter('running')
      return runner.start()
    })
    .catch(error => log.info({ reason: messageOf(error) }, 'rounds did not start'))
}

function openIntake({ wire, state, clock, log }: Ground, work: RoundWork): Promise<UpdateIntake> {
  return UpdateIntake.open({
    wire,
    directory: state.path('updates'),
    expect: (agentId, manifest) => work.expect(agentId, manifest),
    onStored: (update, parameters) => work.onStored(update, parameters),
    onRefused: refused => work.onRefused(refused),
    clock,
    log,
  })
}

/** A broker of one's own is there at once; one that is away is waited for by everybody alike. */
function connectedOrLate(connection: BrokerConnection): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, FIRST_CONNECT_MS)
    const ended = connection.onConnected(() => {
      clearTimeout(timer)
      ended()
      resolve()
    })
  })
}

function blobsOf(library: ModelLibrary, modelId: string): readonly string[] {
  const model = library.models.find(one => one.modelId === modelId)
  return model ? [model.current.version, model.current.training] : []
}
