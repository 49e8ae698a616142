import { type AgentFigures, wireBytesOf } from './agent-view.ts'
import { type FleetView, roundsRun } from './fleet-view.ts'

/** What one run of the demo came to; with --json the last line of its output. */
export interface DemoReport {
  readonly models: readonly ModelReport[]
  readonly agents: readonly AgentReport[]
  /** GAI rounds that ran. */
  readonly rounds: number
  /** Share of consumption time during which the same device also sensed; null without consumption. */
  readonly overlapRatio: number | null
  /** On the agents' sockets to the broker, both directions. */
  readonly bytesOnWire: number
  readonly durationSeconds: number
}

export interface ModelReport {
  readonly id: string
  /** null where the version was not evaluated. */
  readonly bitsPerByteBefore: number | null
  readonly bitsPerByteAfter: number | null
  readonly unigramBitsPerByte: number
  /** How far bitsPerByteAfter is below the unigram entropy, e.g. 0.3; null where it is unknown. */
  readonly belowUnigram: number | null
  readonly updates: number
  readonly sampleBefore: string
  readonly sampleAfter: string
}

export interface AgentReport {
  readonly id: string
  readonly served: readonly {
    readonly id: string
    readonly updates: number
    readonly reason: string
  }[]
  readonly measured: AgentFigures
}

export interface ModelSamples {
  readonly before: string
  readonly after: string
}

export function buildReport(
  view: FleetView,
  options: {
    readonly samples: ReadonlyMap<string, ModelSamples>
    readonly durationMs: number
  },
): DemoReport {
  return {
    models: [...view.models.values()].map(model => {
      const { modelId, unigramBitsPerByte, updates, bitsPerByte, versionNumber } = model
      const after = bitsPerByte.get(versionNumber ?? 0) ?? null
      const samples = options.samples.get(modelId)
      return {
        id: modelId,
        bitsPerByteBefore: rounded(bitsPerByte.get(0) ?? null),
        bitsPerByteAfter: rounded(after),
        unigramBitsPerByte: roundedNumber(unigramBitsPerByte),
        belowUnigram: rounded(after === null ? null : 1 - after / unigramBitsPerByte),
        updates,
        sampleBefore: samples?.before ?? '',
        sampleAfter: samples?.after ?? '',
      }
    }),
    agents: [...view.agents.values()].map(({ agentId, served, figures }) => ({
      id: agentId,
      served: [...served].map(([id, { updates, reason }]) => ({ id, updates, reason })),
      measured: {
        gflops: rounded(figures.gflops),
        downlinkMbps: rounded(figures.downlinkMbps),
        uplinkMbps: rounded(figures.uplinkMbps),
        rttMs: rounded(figures.rttMs),
      },
    })),
    rounds: roundsRun(view),
    overlapRatio: rounded(overlapRatioOf(view)),
    bytesOnWire: wireBytesOf(view.agents.values()),
    durationSeconds: Math.round(options.durationMs / 100) / 10,
  }
}

/** The rounds' ratios, each weighted by the time that its devices spent on consumption. */
export function overlapRatioOf({ rounds }: FleetView): number | null {
  let [weighted, weights] = [0, 0]
  for (const { overlapRatio, consumptionMs } of rounds.values()) {
    if (overlapRatio === null) continue
    weighted += overlapRatio * consumptionMs
    weights += consumptionMs
  }
  return weights > 0 ? weighted / weights : null
}

function rounded(value: number | null): number | null {
  return value === null ? null : roundedNumber(value)
}

function roundedNumber(value: number): number {
  return Math.round(value * 1000) / 1000
}
