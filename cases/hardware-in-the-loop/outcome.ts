import type { RoundRecord } from '../../protocol/round-record.ts'
import type { SensorEvent } from './fleet.ts'
import type { Loss } from './losses.ts'

export interface ModelOutcome {
  readonly modelId: string
  readonly versions: number
  readonly contributions: number
  readonly samples: number
  /** Mean held-back loss of the first version and of the last. */
  readonly lossFirst: number
  readonly lossLast: number
  /** Agents that it learned from. */
  readonly agents: readonly string[]
}

export interface Outcome {
  readonly rounds: number
  readonly models: readonly ModelOutcome[]
  readonly losses: readonly Loss[]
  readonly events: readonly SensorEvent[]
  /** What did not come out as it must; none for a run that passed. */
  readonly faults: readonly string[]
}

const MODELS = ['wireless', 'visual'] as const

export function outcomeOf(
  records: readonly RoundRecord[],
  o: {
    readonly losses: readonly Loss[]
    readonly events: readonly SensorEvent[]
    readonly rounds: number
  },
): Outcome {
  const models = MODELS.map(modelId => modelOutcome(modelId, records))
  const worse = models.filter(({ lossFirst, lossLast }) => !(lossLast < lossFirst))
  const faults = [
    ...worse.map(({ modelId, lossFirst, lossLast }) => {
      return `${modelId} did not get better: ${lossFirst} at first, ${lossLast} at last`
    }),
    ...(records.length >= o.rounds ? [] : [`${records.length} of ${o.rounds} rounds were played`]),
  ]
  return { rounds: records.length, models, losses: o.losses, events: o.events, faults }
}

function modelOutcome(modelId: string, records: readonly RoundRecord[]): ModelOutcome {
  const rounds = records.flatMap(record => record.models.filter(one => one.modelId === modelId))
  const stored = records.flatMap(({ contributions }) =>
    contributions.filter(one => one.modelId === modelId && one.outcome === 'aggregated'),
  )
  const judged = rounds.flatMap(({ judgement }) => (judgement ? [judgement.lossMean] : []))
  return {
    modelId,
    versions: rounds.length,
    contributions: stored.length,
    samples: rounds.reduce((sum, { sampleCount }) => sum + sampleCount, 0),
    lossFirst: rounds[0]?.judgementBefore?.lossMean ?? Number.NaN,
    lossLast: judged.at(-1) ?? Number.NaN,
    agents: [...new Set(stored.map(({ agentId }) => agentId))].sort(),
  }
}
