import { join } from 'node:path'
import { ControllerConfig } from '../../config/controller-schema.ts'
import { Aggregator } from '../../controller/aggregate/aggregator.ts'
import { openBrokerSession } from '../../controller/broker-session.ts'
import { ControllerLife } from '../../controller/controller-life.ts'
import { Fleet } from '../../controller/fleet/fleet.ts'
import { listenToFleet } from '../../controller/fleet/fleet-listener.ts'
import { Evaluator } from '../../controller/models/evaluator.ts'
import { ModelLibrary } from '../../controller/models/model-library.ts'
import { ModelPublisher } from '../../controller/models/model-publisher.ts'
import { policyOf } from '../../controller/orchestrate/policies/registry.ts'
import { CrCounter } from '../../controller/rounds/cr-counter.ts'
import { LearningCurves } from '../../controller/rounds/learning-curves.ts'
import { RoundLog } from '../../controller/rounds/round-log.ts'
import type { AgentAssignment, StoredContribution } from '../../controller/rounds/round-machine.ts'
import { type AggregatingRound, RoundRunner } from '../../controller/rounds/round-runner.ts'
import { RoundWork } from '../../controller/rounds/round-work.ts'
import { BlobPublisher } from '../../controller/transfer/blob-publisher.ts'
import { DeliveryLedger } from '../../controller/transfer/delivery-ledger.ts'
import { type StoredUpdate, UpdateIntake } from '../../controller/transfer/update-intake.ts'
import { filterFor } from '../../protocol/topics.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import { systemClock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import { PartStack, type Stoppable } from '../../runtime/shutdown.ts'
import { packageVersion } from '../../runtime/version.ts'
import type { BenchBroker } from './bench-broker.ts'
import { Tally } from './tally.ts'

const MODEL_ID = 'prose'
const SAMPLES = 100
/** Rounds so long that nothing is ever late. */
const CUT = { slots: 10, slotMs: 60_000 }
const IN_TIME: AggregatingRound = { isOverdue: () => false, onCommitted: () => undefined }

export interface ModelShape {
  readonly contextBytes: number
  readonly embeddingSize: number
  readonly hiddenSizes: readonly number[]
}

export interface OurControllerOptions {
  readonly broker: BenchBroker
  readonly username: string
  readonly site: string
  readonly agents: readonly string[]
  readonly stateDirectory: string
  readonly shape: ModelShape
  /** Text that would judge the model, if it were judged. */
  readonly textFile: string
  readonly log: Logger
}

/**
 * The parts of the controller that a round goes through, put together as `gainnet controller` does,
 * without its clock: a round begins when it is asked for. The evaluator is stopped from the start,
 * so that versions are not judged.
 */
export class OurController implements Stoppable {
  readonly #options: OurControllerOptions
  readonly #parts: PartStack
  readonly #wire: WireSession
  readonly #library: ModelLibrary
  readonly #work: RoundWork
  readonly #runner: RoundRunner
  readonly #stored = new Tally<StoredContribution>()
  readonly #done = new Tally<string>()
  #crId = 1

  private constructor(
    options: OurControllerOptions,
    parts: {
      readonly stack: PartStack
      readonly wire: WireSession
      readonly library: ModelLibrary
      readonly work: RoundWork
      readonly runner: RoundRunner
    },
  ) {
    this.#options = options
    this.#parts = parts.stack
    this.#wire = parts.wire
    this.#library = parts.library
    this.#work = parts.work
    this.#runner = parts.runner
  }

  static async start(options: OurControllerOptions): Promise<OurController> {
    const { broker, username, stateDirectory, log } = options
    const config = configOf(options)
    const stack = new PartStack(log)
    const library = new ModelLibrary({ stateDirectory, log })
    await library.open(config.models, config.training, systemClock.now())
    const access = { url: broker.url, username, password: broker.password }
    const wire = openBrokerSession({ config, access, session: 1, clock: systemClock, log })
    const identity = { controllerId: config.controllerId, version: packageVersion() }
    const life = new ControllerLife({ wire, identity, log })
    stack.add('broker session', { stop: () => wire.connection.stop(() => life.sayGoodbye()) })
    const ledgerPath = join(stateDirectory, 'published-blobs.json')
    const blobs = stack.add('blobs', await BlobPublisher.open({ wire, ledgerPath, log }))
    const publisher = new ModelPublisher({ wire, library, blobs, log })
    const evaluator = new Evaluator({ ...config.evaluation, log })
    await evaluator.stop()
    const work = new RoundWork({
      config,
      policy: policyOf(config.policy),
      wire,
      clock: systemClock,
      random: seededRandom(1),
      library,
      aggregator: new Aggregator({ config: config.aggregation, library }),
      publisher,
      evaluator,
      log,
      roundLog: new RoundLog(join(stateDirectory, 'rounds.jsonl')),
      curves: new LearningCurves(config.gain),
    })
    const runner = new RoundRunner({
      clock: systemClock,
      counter: new CrCounter({ stateDirectory, log }),
      ...config.clock,
      actions: work,
      present: () => options.agents,
      onFinished: () => {},
      log,
    })
    const controller = new OurController(options, { stack, wire, library, work, runner })
    await controller.#listen(runner, blobs)
    wire.connection.start()
    await connected(wire)
    life.enter('running')
    await work.publishModels()
    return controller
  }

  /** Parameters and training graph. */
  get modelBytes(): number {
    return this.#library.model(MODEL_ID).parameterCount * Float32Array.BYTES_PER_ELEMENT
  }

  get wireBytes(): number {
    return this.#wire.connection.bytesSent + this.#wire.connection.bytesReceived
  }

  /** From the assignments to the next version on the broker, in ms. */
  async round(): Promise<number> {
    const { agents } = this.#options
    const crId = this.#crId++
    this.#beginRound(crId)
    const startedAtMs = systemClock.now()
    const startedAt = performance.now()
    const stored = this.#stored.collect(agents.length)
    const done = this.#done.collect(agents.length)
    // What fails here may have failed above first.
    done.catch(() => {})
    await this.#work.publishAssignments(agents.map(agentId => this.#assignment(agentId, crId)))
    const contributions = await stored
    await this.#work.aggregate(MODEL_ID, contributions, IN_TIME)
    const durationMs = performance.now() - startedAt
    await done
    await this.#work.record({
      crId,
      startedAtMs,
      endedAtMs: systemClock.now(),
      plan: null,
      contributions: contributions.map(({ agentId, grId }) => ({
        agentId,
        grId,
        modelId: MODEL_ID,
        outcome: 'aggregated' as const,
      })),
      sensed: this.#runner.sensed,
      uploads: this.#runner.uploads,
    })
    return durationMs
  }

  stop(): Promise<void> {
    return this.#parts.stop()
  }

  async #listen(runner: RoundRunner, blobs: BlobPublisher): Promise<void> {
    const { stateDirectory, log } = this.#options
    const intake = await UpdateIntake.open({
      wire: this.#wire,
      directory: join(stateDirectory, 'updates'),
      expect: (agentId, manifest) => this.#work.expect(agentId, manifest),
      onStored: (update, parameters) => {
        this.#work.onStored(update, parameters)
        this.#stored.add(contributionOf(update))
      },
      onRefused: ({ agentId, reason }) => this.#stored.fail(`${agentId}: ${reason}`),
      clock: systemClock,
      log,
    })
    this.#parts.add('updates', intake)
    this.#work.attach({ runner, intake })
    const ledger = await DeliveryLedger.open({ path: join(stateDirectory, 'deliveries'), log })
    this.#parts.add('deliveries', { stop: () => ledger.close() })
    await listenToFleet({
      wire: this.#wire,
      fleet: new Fleet(),
      runner,
      ledger,
      blobs,
      blobsOf: () => [],
      log,
    })
    // Beside the fleet's own ear, so without parsing it a second time.
    await this.#wire.connection.subscribe(
      filterFor(this.#options.site, 'assignmentStatus'),
      (_topic, payload) => {
        const text = Buffer.from(payload).toString('utf8')
        if (text.includes('"status":"done"')) this.#done.add(text)
        else if (/"status":"(?:failed|refused)"/.test(text)) this.#done.fail(text)
      },
    )
    await intake.start()
  }

  /** Without agents there is nothing to match: this only opens the round for updates. */
  #beginRound(crId: number): void {
    const nowMs = systemClock.now()
    const inputs = { crId, nowMs, ...CUT, urps: new Map(), sensed: new Map(), maySense: false }
    this.#work.plan(inputs)
  }

  #assignment(agentId: string, crId: number): AgentAssignment {
    const { version } = this.#library.model(MODEL_ID).current
    return {
      agentId,
      assignment: {
        crId,
        sense: {
          grId: crId + 1,
          modelId: MODEL_ID,
          sensor: 'text',
          slots: [[1, 10]],
          samplesWanted: SAMPLES,
        },
        consume: {
          grId: crId,
          modelId: MODEL_ID,
          version,
          mode: 'full',
          downloadSlots: [1, 2],
          computeSlots: [2, 8],
          uploadSlots: [8, 10],
          downloadBlocks: 4,
          uploadBlocks: 4,
          computingShare: 0.5,
          sampleCount: SAMPLES,
          localEpochs: 1,
          batch: 64,
          learningRate: 0.002,
          uploadBitsMax: 8 * this.modelBytes,
          seed: crId,
        },
        reason: 'the bench asks for it',
      },
    }
  }
}

function configOf(o: OurControllerOptions): ControllerConfig {
  return ControllerConfig.parse({
    site: o.site,
    stateDirectory: o.stateDirectory,
    models: [{ modelId: MODEL_ID, ...o.shape, evaluation: { path: o.textFile } }],
  })
}

function contributionOf({ agentId, manifest }: StoredUpdate): StoredContribution {
  const { grId, modelId } = manifest
  return { agentId, grId, modelId, outcome: 'stored', update: manifest }
}

function connected({ connection }: WireSession): Promise<void> {
  return new Promise(resolve => {
    const removeListener = connection.onConnected(() => {
      removeListener()
      resolve()
    })
  })
}
