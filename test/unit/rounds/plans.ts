import { greedyGainPolicy } from '../../../controller/orchestrate/policies/greedy-gain-policy.ts'
import {
  type PlanInputs,
  type PlannedModel,
  planRound,
  type RoundPlan,
} from '../../../controller/rounds/round-planner.ts'
import type { Urp } from '../../../protocol/urp.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { nextByteOf } from '../../support/sample-specs.ts'
import { NOW_MS, urpOf } from '../orchestrate/urps.ts'

export const CR = 7
const flat = new Array<number>(256).fill(1)

/**
 * Four slots of half a second, slot 0 for control: a block carries 125 kB down and 62.5 kB up, a
 * slot trains 400 samples, and three slots sense 450 samples of which each costs no block.
 */
export function offerOf(sensor: Partial<Urp['sensing'][number]> = {}): Urp {
  return {
    ...urpOf(),
    crId: CR,
    sensing: [
      {
        sensor: 'text',
        kind: 'text-folder',
        form: { element: 'uint8', shape: [] },
        rowsPerSecond: 300,
        bytesPerSecond: 300,
        dropShare: 0,
        resourceBlocks: 0,
        labelled: false,
        sketch: { kind: 'byte-histogram', counts: flat, sampleCount: 256 },
        ...sensor,
      },
    ],
  }
}

/** Two blocks down, two blocks up. */
export function modelOf(modelId: string, o: Partial<PlannedModel> = {}): PlannedModel {
  return {
    modelId,
    version: 'a'.repeat(64),
    value: 1,
    downloadBytes: 200_000,
    uploadBytes: 100_000,
    flopsPerSample: 1e6,
    absorbedSamples: 0,
    takes: nextByteOf(4),
    sensorKinds: [],
    targetSketch: { kind: 'byte-histogram', counts: flat, sampleCount: 256 },
    ...o,
  }
}

export function plan(o: Partial<PlanInputs> & Pick<PlanInputs, 'urps'>): RoundPlan {
  return planRound({
    crId: CR,
    nowMs: NOW_MS,
    slots: 4,
    slotMs: 500,
    link: 'edge',
    sensed: new Map(),
    models: [modelOf('prose')],
    policy: greedyGainPolicy,
    random: seededRandom(1),
    gain: { effectiveSamplesPrior: 50, exponent: 0.35, smoothing: 0.05 },
    training: { localEpochs: 1, batch: 32, learningRate: 0.01 },
    computeOverheadOf: () => 1,
    maySense: true,
    ...o,
  })
}

export const sensedBy = (agentId: string, sampleCount: number, modelId = 'prose') =>
  new Map([[agentId, { grId: CR - 1, modelId, sampleCount }]])
