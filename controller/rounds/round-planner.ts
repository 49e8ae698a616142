import type { Assignment, ConsumeOrder, SenseOrder } from '../../protocol/assignment.ts'
import type { RoundChoice, RoundDecision } from '../../protocol/round-record.ts'
import type { DataSketch, Urp } from '../../protocol/urp.ts'
import type { Random } from '../../runtime/seeded-random.ts'
import type { CorrelationMemo } from '../orchestrate/correlation-memo.ts'
import { explainedChoices } from '../orchestrate/explain/explained-choices.ts'
import type { GainParameters, GraphDevice, GraphModel } from '../orchestrate/graph-inputs.ts'
import { buildLatentGraph } from '../orchestrate/latent-graph.ts'
import { planConsumption } from '../orchestrate/plan-consumption.ts'
import type { Choice, Policy, PolicyContext } from '../orchestrate/policies/policy.ts'
import { type SlotPool, slotPoolFromUrp } from '../orchestrate/slot-pool.ts'
import type { AgentAssignment } from './round-machine.ts'

/** What planning needs to know of a model. */
export interface PlannedModel {
  readonly modelId: string
  readonly version: string
  readonly value: number
  readonly downloadBytes: number
  readonly uploadBytes: number
  readonly flopsPerSample: number
  readonly absorbedSamples: number
  readonly sensorKind: string
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
  }
  readonly computeOverheadOf: (agentId: string, modelId: string) => number
  /** Part of what an agent claims that its records support; all of it where absent. */
  readonly credibilityOf?: (agentId: string) => number
  /** What the rounds before know of correlations. */
  readonly correlations?: CorrelationMemo
  /** False in the last CR of a limited run, which only consumes. */
  readonly maySense: boolean
}

export interface RoundPlan {
  readonly assignments: readonly AgentAssignment[]
  readonly choices: readonly RoundChoice[]
  readonly gain: number
  readonly bound: number
  readonly gap: number
  readonly decision?: RoundDecision
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
 */
export function planRound(inputs: PlanInputs): RoundPlan {
  const excluded: { agentId: string; reason: string }[] = []
  const devices: PlannedDevice[] = []
  for (const [agentId, urp] of [...inputs.urps].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const offered = slotPoolFromUrp(urp, inputs)
    if (offered.ok) devices.push(planDevice(inputs, agentId, urp, offered.pool))
    else excluded.push({ agentId, reason: offered.reason })
  }
  const graph = buildLatentGraph({
    crId: inputs.crId,
    devices: inputs.maySense ? devices : [],
    models: inputs.models.map(model => graphModelOf(model, inputs, devices)),
    gain: inputs.gain,
    computeOverheadOf: inputs.computeOverheadOf,
    ...(inputs.correlations ? { correlations: inputs.correlations } : {}),
  })
  const matching = inputs.policy.propose(graph, {
    random: inputs.random,
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
    excluded,
  }
}

/** Devices that each model takes, where at least one says so. */
function capacitiesOf(models: readonly PlannedModel[]): Pick<PolicyContext, 'capacities'> {
  if (models.every(({ devicesMax }) => devicesMax === undefined)) return {}
  return { capacities: models.map(({ devicesMax }) => devicesMax ?? Number.POSITIVE_INFINITY) }
}

function planDevice(inputs: PlanInputs, agentId: string, urp: Urp, pool: SlotPool): PlannedDevice {
  const device = {
    agentId,
    nextPool: pool,
    sensors: urp.sensing,
    sketch: urp.dataSketch,
    credibility: inputs.credibilityOf?.(agentId) ?? 1,
  }
  const sensed = inputs.sensed.get(agentId)
  const model = inputs.models.find(one => one.modelId === sensed?.modelId)
  if (!sensed || !model) return { ...device, pool, consume: null, consumeRefusal: null }
  const { localEpochs } = inputs.training
  const plan = planConsumption(pool, {
    samplesSensed: sensed.sampleCount,
    downloadBits: model.downloadBytes * 8,
    uploadBits: model.uploadBytes * 8,
    flopsPerSample: model.flopsPerSample,
    localEpochs,
    computeOverhead: inputs.computeOverheadOf(agentId, model.modelId),
  })
  if (!plan.ok) {
    return { ...device, pool: plan.residual, consume: null, consumeRefusal: plan.reason }
  }
  const { downloadSlots, computeSlots, uploadSlots, downloadBlocks, uploadBlocks, computingShare } =
    plan.allocation
  const downloadBitsMax = Math.floor(downloadBlocks * pool.downlinkBitsPerBlock)
  const consume: ConsumeOrder = {
    grId: sensed.grId,
    modelId: model.modelId,
    version: model.version,
    mode: 'full',
    downloadSlots,
    computeSlots,
    uploadSlots,
    downloadBlocks,
    uploadBlocks,
    computingShare,
    sampleCount: plan.sampleCount,
    ...inputs.training,
    ...(downloadBitsMax > 0 ? { downloadBitsMax } : {}),
    uploadBitsMax: plan.uploadBitsMax,
    seed: seedOf(inputs.crId, agentId),
  }
  return { ...device, pool: plan.residual, consume, consumeRefusal: null }
}

/** What a model is about to absorb in this CR counts as absorbed: the choice is for the next one. */
function graphModelOf(
  model: PlannedModel,
  { training }: PlanInputs,
  devices: readonly PlannedDevice[],
): GraphModel {
  const { downloadBytes, uploadBytes, devicesMax: _, ...same } = model
  const underWay = devices
    .filter(({ consume }) => consume?.modelId === model.modelId)
    .reduce((sum, { consume }) => sum + (consume?.sampleCount ?? 0), 0)
  return {
    ...same,
    absorbedSamples: model.absorbedSamples + underWay,
    downloadBits: downloadBytes * 8,
    uploadBits: uploadBytes * 8,
    localEpochs: training.localEpochs,
  }
}

function assignmentFor(
  { crId }: PlanInputs,
  { consume, consumeRefusal }: PlannedDevice,
  choice: Choice | undefined,
): Omit<Assignment, 'session' | 'sequence' | 'sentAt'> {
  const edge = choice?.edge ?? null
  const sense: SenseOrder | null = edge && {
    grId: crId,
    modelId: edge.modelId,
    sensor: edge.sensor,
    slots: edge.sensorSlots,
    samplesWanted: edge.workload,
  }
  const lost = consumeRefusal === null ? '' : `; not consumed: ${consumeRefusal}`
  const reason = `${choice?.reason ?? 'only what was sensed before is consumed'}${lost}`
  return { crId, sense, consume, reason: reason.slice(0, 500) }
}

/** The same agent trains with another order of samples in each CR, and a run can be repeated. */
function seedOf(crId: number, agentId: string): number {
  let seed = crId
  for (const character of agentId) seed = (Math.imul(seed, 31) + character.charCodeAt(0)) >>> 0
  return seed
}
