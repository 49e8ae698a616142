import type { Assignment, ConsumeOrder } from '../../protocol/assignment.ts'
import type { RoundChoice, RoundCurve, RoundDecision } from '../../protocol/round-record.ts'
import type { SampleSpec } from '../../protocol/sample-spec.ts'
import type { UpdateCompression } from '../../protocol/update-encoding/compression.ts'
import type { DataSketch, Urp } from '../../protocol/urp.ts'
import type { Random } from '../../runtime/seeded-random.ts'
import type { CorrelationMemo } from '../orchestrate/correlation-memo.ts'
import type { CurveFit } from '../orchestrate/curve/fit-curve.ts'
import { explainedChoices } from '../orchestrate/explain/explained-choices.ts'
import type {
  GainParameters,
  GraphDevice,
  GraphModel,
  Schedule,
} from '../orchestrate/graph-inputs.ts'
import { buildLatentGraph, type GraphEdge } from '../orchestrate/latent-graph.ts'
import { type ConsumptionPlan, planConsumption } from '../orchestrate/plan-consumption.ts'
import type { Choice, Policy, PolicyContext } from '../orchestrate/policies/policy.ts'
import { type SlotPool, slotPoolFromUrp } from '../orchestrate/slot-pool.ts'
import { soundSensing } from '../orchestrate/sound-sensing.ts'
import { adviseUplinkPower } from '../power/uplink-power.ts'
import { type Asked, askedOf, fittingSensors } from './fitting-sensors.ts'
import type { AgentAssignment } from './round-machine.ts'
import { senseOrderOf } from './sense-order.ts'

/** What planning needs to know of a model. */
export interface PlannedModel {
  readonly modelId: string
  readonly version: string
  readonly value: number
  readonly downloadBytes: number
  readonly uploadBytes: number
  readonly flopsPerSample: number
  readonly absorbedSamples: number
  /** As its rounds so far show it; that of the gain parameters where absent. */
  readonly curve?: CurveFit | undefined
  /** What it learns from: rows of this form, of these kinds of sensors; of all where empty. */
  readonly takes: SampleSpec
  readonly sensorKinds: readonly string[]
  readonly targetSketch: DataSketch
  /** Devices that may serve it in one round; absent where all may. */
  readonly devicesMax?: number | undefined
}

/** A GAI round of one agent that was sensed in the last CR and is to be consumed in this one. */
export interface SensedGaiRound {
  readonly grId: number
  readonly modelId: string
  readonly sampleCount: number
}

export interface PlanInputs {
  readonly crId: number
  readonly nowMs: number
  /** How the communication round is cut. */
  readonly slots: number
  readonly slotMs: number
  /** Zeros where absent. */
  readonly schedule?: Schedule
  readonly link: string
  readonly urps: ReadonlyMap<string, Urp>
  readonly sensed: ReadonlyMap<string, SensedGaiRound>
  readonly models: readonly PlannedModel[]
  readonly policy: Policy
  readonly random: Random
  readonly gain: GainParameters
  readonly training: {
    readonly localEpochs: number
    readonly batch: number
    readonly learningRate: number
    /** Samples of earlier rounds that may be trained on beside those just sensed; none where absent. */
    readonly storedSamplesMax?: number
    readonly compression?: UpdateCompression
  }
  readonly computeOverheadOf: (agentId: string, modelId: string) => number
  /** Part of what an agent claims that its records support; all of it where absent. */
  readonly credibilityOf?: (agentId: string) => number
  /** What the rounds before know of correlations. */
  readonly correlations?: CorrelationMemo
  /** False in the last CR of a limited run, which only consumes. */
  readonly maySense: boolean
  /** GAI rounds that are still to be decided, this one among them; absent where there is no end. */
  readonly roundsLeft?: number
}

export interface RoundPlan {
  readonly assignments: readonly AgentAssignment[]
  readonly choices: readonly RoundChoice[]
  readonly gain: number
  readonly bound: number
  readonly gap: number
  readonly decision?: RoundDecision
  /** Fitted learning curves, where there are any. */
  readonly curves?: readonly RoundCurve[]
  readonly excluded: readonly { readonly agentId: string; readonly reason: string }[]
}

interface PlannedDevice extends GraphDevice {
  readonly consume: ConsumeOrder | null
  /** Why nothing is consumed although something was sensed. */
  readonly consumeRefusal: string | null
}

/**
 * One CR's decision, pure: first what was sensed for GR r - 1 gets its part of each device's pool,
 * then the policy matches devices to models for GR r on what is left (Zeros: both share one URP).
 * The pool of the next CR, in which GR r is consumed, is forecast by persistence of this one.
 * A serial round has the whole pool of its CR, and all its orders are given at once.
 */
export function planRound(inputs: PlanInputs): RoundPlan {
  const excluded: { agentId: string; reason: string }[] = []
  const devices: PlannedDevice[] = []
  const offers = [...inputs.urps].map(
    ([agentId, urp]) => [agentId, { ...urp, sensing: soundSensing(urp.sensing) }] as const,
  )
  const asked = askedOf(
    inputs.models,
    offers.map(([, { sensing }]) => sensing),
  )
  for (const [agentId, urp] of offers.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const offered = slotPoolFromUrp(urp, inputs)
    if (offered.ok) devices.push(planDevice(inputs, asked, { agentId, urp, pool: offered.pool }))
    else excluded.push({ agentId, reason: offered.reason })
  }
  const graph = buildLatentGraph({
    crId: inputs.crId,
    schedule: inputs.schedule ?? 'zeros',
    devices: inputs.maySense ? devices : [],
    models: inputs.models.map(model => graphModelOf(model, inputs, { asked, devices })),
    gain: inputs.gain,
    computeOverheadOf: inputs.computeOverheadOf,
    ...(inputs.correlations ? { correlations: inputs.correlations } : {}),
  })
  const matching = inputs.policy.propose(graph, {
    random: inputs.random,
    ...(inputs.roundsLeft === undefined ? {} : { roundsLeft: inputs.roundsLeft }),
    ...capacitiesOf(inputs.models),
  })
  let choices: readonly RoundChoice[] | undefined
  const choiceOf = new Map(matching.choices.map(choice => [choice.agentId, choice]))
  return {
    assignments: devices.map(device => ({
      agentId: device.agentId,
      assignment: assignmentFor(inputs, device, choiceOf.get(device.agentId)),
    })),
    // Asked for when the round is recorded, after the haste of the control slot.
    get choices() {
      choices ??= explainedChoices(graph, matching.choices)
      return choices
    },
    gain: matching.gain,
    bound: matching.bound,
    gap: matching.gap,
    ...(matching.decision ? { decision: matching.decision } : {}),
    curves: inputs.models.flatMap(({ modelId, curve }) => (curve ? [{ modelId, ...curve }] : [])),
    excluded,
  }
}

/** Devices that each model takes, where at least one says so. */
function capacitiesOf(models: readonly PlannedModel[]): Pick<PolicyContext, 'capacities'> {
  if (models.every(({ devicesMax }) => devicesMax === undefined)) return {}
  return { capacities: models.map(({ devicesMax }) => devicesMax ?? Number.POSITIVE_INFINITY) }
}

function planDevice(
  inputs: PlanInputs,
  asked: Asked,
  o: { readonly agentId: string; readonly urp: Urp; readonly pool: SlotPool },
): PlannedDevice {
  const { agentId, urp, pool } = o

  const device = {
    agentId,
    nextPool: pool,
    sensors: fittingSensors(urp.sensing, asked, {
      slotSeconds: urp.slotMs / 1000,
      gain: inputs.gain,
    }),
    sketch: undefined,
    credibility: inputs.credibilityOf?.(agentId) ?? 1,
  }
  const sensed = inputs.schedule === 'serial' ? undefined : inputs.sensed.get(agentId)
  const model = inputs.models.find(one => one.modelId === sensed?.modelId)
  if (!sensed || !model) return { ...device, pool, consume: null, consumeRefusal: null }
  const { grId, sampleCount } = sensed
  const { plan, consume } = planConsume(inputs, { agentId, model, pool, grId, sampleCount })
  const consumeRefusal = plan.ok ? null : plan.reason
  return { ...device, pool: plan.residual, consume, consumeRefusal }
}

interface Pending {
  readonly agentId: string
  readonly model: PlannedModel
  readonly pool: SlotPool
  readonly grId: number
  readonly sampleCount: number
}

/** The part of the pool that consuming takes, and the order to do so; no order where none fits. */
function planConsume(
  { crId, training, computeOverheadOf }: PlanInputs,
  { agentId, model, pool, grId, sampleCount }: Pending,
): { readonly plan: ConsumptionPlan; readonly consume: ConsumeOrder | null } {
  const { storedSamplesMax = 0, ...orderedTraining } = training
  const plan = planConsumption(pool, {
    samplesSensed: sampleCount + storedSamplesMax,
    downloadBits: model.downloadBytes * 8,
    uploadBits: model.uploadBytes * 8,
    flopsPerSample: model.flopsPerSample,
    localEpochs: training.localEpochs,
    computeOverhead: computeOverheadOf(agentId, model.modelId),
  })
  if (!plan.ok) return { plan, consume: null }
  const downloadBitsMax = Math.floor(plan.allocation.downloadBlocks * pool.downlinkBitsPerBlock)
  const consume: ConsumeOrder = {
    grId,
    modelId: model.modelId,
    version: model.version,
    mode: 'full',
    ...plan.allocation,
    sampleCount: plan.sampleCount,
    ...orderedTraining,
    ...(downloadBitsMax > 0 ? { downloadBitsMax } : {}),
    uploadBitsMax: plan.uploadBitsMax,
    seed: seedOf(crId, agentId),
  }
  return { plan, consume }
}

/** The rest of a serial round: what the slots up to its sensing's end do not give any more. */
function consumeAfter(
  inputs: PlanInputs,
  { agentId, nextPool }: PlannedDevice,
  { modelId, workload, sensorSlots }: GraphEdge,
): ConsumeOrder | null {
  const model = inputs.models.find(one => one.modelId === modelId)
  if (!model) return null
  const [, sensingEnd] = sensorSlots
  const left = (free: Float64Array): Float64Array =>
    free.map((amount, slot) => (slot < sensingEnd ? 0 : amount))
  const pool = {
    ...nextPool,
    blocks: left(nextPool.blocks),
    flops: left(nextPool.flops),
    units: left(nextPool.units),
  }
  const pending = { agentId, model, pool, grId: inputs.crId, sampleCount: workload }
  return planConsume(inputs, pending).consume
}

/** What a model is about to absorb in this CR counts as absorbed: the choice is for the next one. */
function graphModelOf(
  model: PlannedModel,
  { training }: PlanInputs,
  o: { readonly asked: Asked; readonly devices: readonly PlannedDevice[] },
): GraphModel {
  const { downloadBytes, uploadBytes, devicesMax: _, takes: __, sensorKinds: ___, ...same } = model
  const underWay = o.devices
    .filter(({ consume }) => consume?.modelId === model.modelId)
    .reduce((sum, { consume }) => sum + (consume?.sampleCount ?? 0), 0)
  return {
    ...same,
    sensorKind: o.asked.nameByModel.get(model.modelId) ?? model.modelId,
    absorbedSamples: model.absorbedSamples + underWay,
    downloadBits: downloadBytes * 8,
    uploadBits: uploadBytes * 8,
    localEpochs: training.localEpochs,
  }
}

function assignmentFor(
  inputs: PlanInputs,
  device: PlannedDevice,
  choice: Choice | undefined,
): Omit<Assignment, 'session' | 'sequence' | 'sentAt'> {
  const { crId } = inputs
  const edge = choice?.edge ?? null
  const sense =
    edge &&
    senseOrderOf({
      ...{ crId, edge, link: inputs.link, pool: device.pool },
      takes: inputs.models.find(({ modelId }) => modelId === edge.modelId)?.takes,
      urp: inputs.urps.get(device.agentId),
    })
  const isSerial = inputs.schedule === 'serial'
  const ordered = isSerial && edge ? consumeAfter(inputs, device, edge) : device.consume
  const uplinkPower = adviseUplinkPower(inputs.urps.get(device.agentId), inputs.link)
  const consume = ordered && { ...ordered, ...(uplinkPower ? { uplinkPower } : {}) }
  const lost = device.consumeRefusal === null ? '' : `; not consumed: ${device.consumeRefusal}`
  const reason = `${choice?.reason ?? 'only what was sensed before is consumed'}${lost}`
  return { crId, sense, consume, reason: reason.slice(0, 500) }
}

/** The same agent trains with another order of samples in each CR, and a run can be repeated. */
function seedOf(crId: number, agentId: string): number {
  let seed = crId
  for (const character of agentId) seed = (Math.imul(seed, 31) + character.charCodeAt(0)) >>> 0
  return seed
}
