import type { ControllerConfig } from '../../config/controller-schema.ts'
import type { ConsumeOrder } from '../../protocol/assignment.ts'
import { hashOf } from '../../protocol/blocks.ts'
import type { Content } from '../../protocol/messages.ts'
import type { Judgement } from '../../protocol/model-manifest.ts'
import { bytesOfParameters } from '../../protocol/parameter-bytes.ts'
import type { RoundContribution } from '../../protocol/round-record.ts'
import type { UpdateManifest } from '../../protocol/update.ts'
import { NO_COMPRESSION } from '../../protocol/update-encoding/compression.ts'
import type { Urp } from '../../protocol/urp.ts'
import type { WireSession } from '../../protocol/wire-session.ts'
import type { Clock } from '../../runtime/clock.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/seeded-random.ts'
import type { Aggregator } from '../aggregate/aggregator.ts'
import type { Evaluator } from '../models/evaluator.ts'
import type { Model, ModelLibrary } from '../models/model-library.ts'
import type { ModelPublisher } from '../models/model-publisher.ts'
import { CorrelationMemo } from '../orchestrate/correlation-memo.ts'
import { ExecutedPolicy } from '../orchestrate/execute/executed-policy.ts'
import type { Policy } from '../orchestrate/policies/policy.ts'
import type {
  ExpectedUpdate,
  RefusedUpdate,
  StoredUpdate,
  UpdateIntake,
} from '../transfer/update-intake.ts'
import { ComputeOverhead } from './compute-overhead.ts'
import { KeptPromises } from './kept-promises.ts'
import type { LearningCurves } from './learning-curves.ts'
import { type MadeVersion, roundModelOf } from './made-version.ts'
import { overlapRatio } from './overlap.ts'
import { plannedModelOf } from './planned-model.ts'
import { predictedOverhead, ratePerUnit } from './predicted-overhead.ts'
import type { RoundLog } from './round-log.ts'
import type { AgentAssignment, StoredContribution } from './round-machine.ts'
import { planRound, type RoundPlan } from './round-planner.ts'
import type { AggregatingRound, FinishedRound, RoundActions, RoundRunner } from './round-runner.ts'
import { useShares } from './use-shares.ts'

export interface RoundWorkOptions {
  readonly config: Pick<ControllerConfig, 'controllerId' | 'gain' | 'schedule' | 'training'>
  readonly policy: Policy
  readonly wire: WireSession
  readonly clock: Clock
  readonly random: Random
  readonly library: ModelLibrary
  readonly aggregator: Aggregator
  readonly publisher: ModelPublisher
  readonly evaluator: Evaluator
  readonly log: Logger
  readonly roundLog: RoundLog
  readonly curves: LearningCurves
}

/** What rounds do to the world: plans, assignments, averages, new versions, records. */
export class RoundWork implements RoundActions {
  readonly #options: RoundWorkOptions
  readonly #overhead = new ComputeOverhead()
  readonly #correlations = new CorrelationMemo()
  readonly #promises = new KeptPromises()
  readonly #policy: Policy
  /** Orders of the running CR, by agent: what updates are checked against. */
  #orders = new Map<string, ConsumeOrder>()
  /** What the plan was made from, by agent. */
  #urps: ReadonlyMap<string, Urp> = new Map()
  #crId = 0
  readonly #received = new Map<string, { update: StoredUpdate; values: Float32Array }>()
  #aggregations: MadeVersion[] = []
  /** Of the newest version of each model. */
  readonly #evaluated = new Map<string, Promise<Judgement | null>>()

  #runner: RoundRunner | null = null
  #intake: UpdateIntake | null = null

  constructor(options: RoundWorkOptions) {
    this.#options = options
    this.#policy = new ExecutedPolicy(options.policy, { log: options.log })
  }

  /** The parts that in turn need this one. */
  attach(o: { readonly runner: RoundRunner; readonly intake: UpdateIntake }): void {
    this.#runner = o.runner
    this.#intake = o.intake
  }

  /** Puts every model's current version on the broker and has it judged. */
  async publishModels(): Promise<void> {
    const { library } = this.#options
    for (const model of library.models) {
      const parameters = await library.parameters(model.modelId)
      await this.#publish(model.modelId, parameters)
      const evaluated = this.#evaluate(model, model.current.version, parameters)
      this.#evaluated.set(model.modelId, evaluated)
    }
  }

  async announce(clock: Content<'crClock'>): Promise<void> {
    await this.#options.wire.publish('crClock', {}, clock)
  }

  plan(inputs: Parameters<RoundActions['plan']>[0]): RoundPlan {
    const { config, random, library, curves } = this.#options
    this.#crId = inputs.crId
    this.#urps = inputs.urps
    this.#promises.onSensed(inputs)
    const { encoding, topShare, ...training } = config.training
    const compression = { encoding, topShare }
    const plan = planRound({
      ...inputs,
      link: config.controllerId,
      schedule: config.schedule,
      models: library.models.map(model =>
        plannedModelOf(model, curves.of(model.modelId), compression),
      ),
      policy: this.#policy,
      random,
      gain: config.gain,
      training: { ...training, compression },
      correlations: this.#correlations,
      credibilityOf: agentId => this.#promises.credibilityOf(agentId),
      computeOverheadOf: (agentId, modelId) =>
        this.#overhead.factor(agentId, modelId, this.#predictedOverhead(agentId, modelId)),
    })
    this.#promises.onPlanned(plan.assignments)
    return plan
  }

  async publishAssignments(assignments: readonly AgentAssignment[]): Promise<void> {
    const { wire, log } = this.#options
    this.#orders = new Map(
      assignments.flatMap(({ agentId, assignment: { consume } }) =>
        consume ? [[agentId, consume] as const] : [],
      ),
    )
    const sent = assignments.map(({ agentId, assignment }) =>
      // An agent that is not told does nothing, and its contribution will be late.
      wire.publish('assignment', { agentId }, assignment).catch(error => {
        log.warn({ agentId, reason: messageOf(error) }, 'assignment not sent')
      }),
    )
    await Promise.all(sent)
  }

  /** What an update of an agent must be like now, or why none is expected. */
  expect(agentId: string, manifest: UpdateManifest): ExpectedUpdate {
    const order = this.#orders.get(agentId)
    if (order?.grId !== manifest.grId || order.modelId !== manifest.modelId) {
      return { refusal: `no update of GAI round ${manifest.grId} is awaited: it is too late` }
    }
    if (manifest.crId !== this.#crId) {
      return {
        refusal: `trained in communication round ${manifest.crId}, ordered in ${this.#crId}`,
      }
    }
    // Its samples weigh in the average and count as absorbed.
    if (manifest.sampleCount > order.sampleCount) {
      return { refusal: `${manifest.sampleCount} samples, ordered were ${order.sampleCount}` }
    }
    const { parameterCount: valueCount } = this.#options.library.model(order.modelId)
    const { version: baseVersion, compression = NO_COMPRESSION } = order
    return { valueCount, compression, baseVersion }
  }

  /** An update that was stored: kept in memory until its round is closed. */
  onStored(update: StoredUpdate, values: Float32Array): void {
    this.#received.set(keyOf(update.agentId, update.manifest.grId), { update, values })
    const { agentId, manifest, storedAt } = update
    this.#runner?.dispatch({
      type: 'update-stored',
      crId: manifest.crId,
      agentId,
      grId: manifest.grId,
      storedAtMs: storedAt,
      update: manifest,
    })
    this.#learnOverhead(agentId, manifest)
  }

  #learnOverhead(agentId: string, manifest: UpdateManifest): void {
    const { modelId, phases, localSteps, sampleCount } = manifest
    const train = phases.find(({ phase }) => phase === 'train')
    const urp = this.#urps.get(agentId)
    if (!train?.cpuSeconds || !urp) return
    const { batch, localEpochs } = this.#options.config.training
    this.#overhead.learn(agentId, modelId, {
      cpuSeconds: train.cpuSeconds,
      flopsPerSecond: ratePerUnit(urp),
      flopsPerSample: this.#options.library.model(modelId).flopsPerSample,
      // Slots that end early end a run within an epoch.
      samplesTrained: Math.min(localSteps * batch, sampleCount * localEpochs),
      predicted: this.#predictedOverhead(agentId, modelId),
    })
  }

  #predictedOverhead(agentId: string, modelId: string): number | undefined {
    const urp = this.#urps.get(agentId)
    return urp && predictedOverhead(urp, this.#options.library.model(modelId))
  }

  /** The update was not what was ordered. */
  onRefused({ agentId, grId, reason }: RefusedUpdate): void {
    const crId = this.#crId
    this.#runner?.dispatch({ type: 'contribution-refused', crId, agentId, grId, reason })
  }

  async aggregate(
    modelId: string,
    contributions: readonly StoredContribution[],
    round: AggregatingRound,
  ): Promise<void> {
    const { library, aggregator, publisher, clock, log } = this.#options
    const before = library.model(modelId).current
    const parts = contributions.map(({ agentId, grId, update }) => {
      if (update.baseVersion !== before.version) {
        const reason = `trained from ${update.baseVersion}, ${before.version} is current`
        throw new GainnetError('ROUND_FAILED', `the update of ${agentId} was ${reason}`)
      }
      const received = this.#received.get(keyOf(agentId, grId))
      if (!received) throw new GainnetError('ROUND_FAILED', `the update of ${agentId} is gone`)
      const { form } = received.update.manifest
      return { values: received.values, form, exampleCount: update.sampleCount }
    })
    const { parameters, moments, leftOut } = await aggregator.next(modelId, parts)
    for (const index of leftOut) {
      log.info({ modelId, agentId: contributions[index]?.agentId }, 'update left out by the rule')
    }
    const sampleCount = parts.reduce((sum, { exampleCount }) => sum + exampleCount, 0)
    const bytes = bytesOfParameters(parameters)
    const version = hashOf(bytes)
    const offered = publisher.offer(bytes, version)
    const options = {
      version,
      moments,
      sampleCount,
      nowMs: clock.now(),
      isUnwanted: () => round.isOverdue(),
    }
    const after = await library.addVersion(modelId, parameters, options).catch(error => {
      offered.withdraw()
      throw error
    })
    const published = this.#publish(modelId, parameters)
    const evaluated = published.then(() =>
      this.#evaluate(library.model(modelId), after.version, parameters),
    )
    this.#aggregations.push({
      before,
      after,
      contributions: parts.length,
      sampleCount,
      objective: library.model(modelId).objective,
      evaluatedBefore: this.#evaluated.get(modelId),
      evaluated,
    })
    this.#evaluated.set(modelId, evaluated)
    round.onCommitted()
    await published
    log.info(
      { modelId, versionNumber: after.versionNumber, contributions: parts.length, sampleCount },
      'model version published',
    )
  }

  answerLate({ crId, agentId, grId, lateMs }: Parameters<RoundActions['answerLate']>[0]): void {
    this.#options.log.warn({ crId, agentId, grId, lateMs }, 'update came too late')
    this.#release(agentId, grId)
  }

  async record(round: FinishedRound): Promise<void> {
    const { config, curves, wire, roundLog, policy, library, log } = this.#options
    this.#promises.onContributions(round.contributions)
    await library.settled()
    for (const { agentId, grId } of round.contributions) this.#release(agentId, grId)
    const aggregations = this.#aggregations
    this.#aggregations = []
    const { plan, crId } = round
    const contributions = round.contributions.map(one => withUse(one, round.uploads))
    const models = await Promise.all(aggregations.map(one => roundModelOf(one)))
    curves.learn({ models })
    if (!plan && contributions.length === 0) return
    // What is sensed in a CR is of the GAI round with the same number.
    const sensing = round.sensed.sensedFor(crId)
    const ratio = overlapRatio(
      contributions.map(({ agentId, phases }) => ({
        sensing: sensing.filter(one => one.agentId === agentId).map(({ interval }) => interval),
        consumption: phases ?? [],
      })),
    )
    const record: Content<'roundRecord'> = {
      crId,
      startedAt: new Date(round.startedAtMs).toISOString(),
      endedAt: new Date(round.endedAtMs).toISOString(),
      policy: policy.name,
      schedule: config.schedule,
      gain: plan?.gain ?? 0,
      bound: plan?.bound ?? 0,
      gap: plan?.gap ?? 0,
      ...(plan?.decision ? { decision: plan.decision } : {}),
      choices: [...(plan?.choices ?? [])],
      contributions,
      sensing: [...sensing],
      models,
      curves: [...(plan?.curves ?? [])],
      excluded: [...(plan?.excluded ?? [])],
      ...(ratio === undefined ? {} : { overlapRatio: ratio }),
    }
    log.info({ crId, gain: record.gain, contributions: contributions.length }, 'round recorded')
    // A full disk keeps nobody who listens from hearing of the round.
    await roundLog.append(record).catch(err => log.error({ err, crId }, 'round not written down'))
    await library.collectGarbage().catch(err => log.warn({ err }, 'old blobs not removed'))
    await wire.publish('roundRecord', { crId }, record)
  }

  /** The version stands on disk: a broker that is away gets it at the next connection. */
  async #publish(modelId: string, parameters: Float32Array): Promise<void> {
    const { publisher, log } = this.#options
    await publisher.publish(modelId, parameters).catch(error => {
      log.info({ modelId, reason: messageOf(error) }, 'version waits for the broker')
    })
  }

  async #evaluate(
    model: Model,
    version: string,
    parameters: Float32Array,
  ): Promise<Judgement | null> {
    const { evaluator, publisher, log } = this.#options
    const judgement = await evaluator.judge(model, parameters)
    if (judgement === null) return null
    await publisher.noteEvaluation(model.modelId, { version, judgement }).catch(error => {
      log.debug({ reason: messageOf(error) }, 'evaluation not announced')
    })
    return judgement
  }

  #release(agentId: string, grId: number): void {
    const key = keyOf(agentId, grId)
    const received = this.#received.get(key)
    this.#received.delete(key)
    if (!received) return
    this.#intake?.release(received.update).catch(err => {
      this.#options.log.warn({ err, agentId, grId }, 'stored update cannot be removed')
    })
  }
}

/** The upload is reported apart from the phases before it. */
function withUse(
  contribution: RoundContribution,
  uploads: FinishedRound['uploads'],
): RoundContribution {
  const { agentId, grId, phases } = contribution
  if (!phases) return contribution
  const all = [...phases, ...uploads.intervals(agentId, grId)]
  return { ...contribution, phases: all, use: useShares(all) }
}

function keyOf(agentId: string, grId: number): string {
  return `${agentId}/${grId}`
}
