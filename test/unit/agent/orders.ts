import type { Assignment, ConsumeOrder, SenseOrder } from '../../../protocol/assignment.ts'
import type { ModelManifest } from '../../../protocol/model-manifest.ts'
import { nextByteOf } from '../../support/sample-specs.ts'

const blob = { sha256: 'c'.repeat(64), bytes: 4000, blockBytes: 4000, blocks: 1 }
const envelope = { session: 1, sequence: 0, sentAt: '2026-01-01T00:00:00.000Z' }

/** A model whose context is 4 bytes. */
export function manifestOf(o: Partial<ModelManifest> = {}): ModelManifest {
  return {
    ...envelope,
    modelId: 'prose',
    version: 'a'.repeat(64),
    versionNumber: 3,
    parent: null,
    publishedAt: '2026-01-01T00:00:00.000Z',
    objective: 'next-byte',
    takes: nextByteOf(4),
    sensorKinds: [],
    training: blob,
    parameters: blob,
    flopsPerSample: 1000,
    targetSketch: { kind: 'byte-histogram', counts: new Array(256).fill(1), sampleCount: 256 },
    ...o,
  }
}

/** Sense for GR 7 in CR 7. */
export function senseOf(o: Partial<SenseOrder> = {}): SenseOrder {
  return {
    grId: 7,
    modelId: 'prose',
    sensor: 'text',
    slots: [[1, 10]],
    samplesWanted: 500,
    ...o,
  }
}

/** Consume in CR 8 what was sensed for GR 7. */
export function consumeOf(o: Partial<ConsumeOrder> = {}): ConsumeOrder {
  return {
    grId: 7,
    modelId: 'prose',
    version: 'a'.repeat(64),
    mode: 'full',
    downloadSlots: [1, 2],
    computeSlots: [2, 8],
    uploadSlots: [8, 10],
    downloadBlocks: 1,
    uploadBlocks: 1,
    computingShare: 0.5,
    sampleCount: 400,
    localEpochs: 1,
    batch: 32,
    learningRate: 0.01,
    uploadBitsMax: 1_000_000,
    seed: 1,
    ...o,
  }
}

export function assignmentOf(
  crId: number,
  o: { sense?: SenseOrder; consume?: ConsumeOrder; session?: number } = {},
): Assignment {
  const { sense = null, consume = null, session = 1 } = o
  return { ...envelope, session, crId, sense, consume, reason: 'for a test' }
}
