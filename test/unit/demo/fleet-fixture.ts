import { emptyView, type FleetMessage, type FleetView, stepView } from '../../../demo/fleet-view.ts'
import type { ConsumeOrder, PhaseInterval } from '../../../protocol/assignment.ts'
import { matrixOf } from '../../../protocol/matrix.ts'
import type { RoundRecord } from '../../../protocol/round-record.ts'
import { nextByteOf } from '../../support/sample-specs.ts'

/** Communication round 0 starts here; slots of half a second, ten of them. */
export const START_MS = Date.parse('2026-01-05T10:00:00.000Z')
export const SLOT_MS = 500
export const SLOTS = 10

export function time(crId: number, slot: number): string {
  return new Date(START_MS + (crId * SLOTS + slot) * SLOT_MS).toISOString()
}

const envelope = { session: 1, sequence: 0, sentAt: time(0, 0) }
const hash = 'ab'.repeat(32)

export function newView(agentCount = 2): FleetView {
  return emptyView({
    roundsWanted: 6,
    agentIds: Array.from({ length: agentCount }, (_, index) => `agent-${index + 1}`),
    models: [
      { modelId: 'licence', unigramBitsPerByte: 5.16 },
      { modelId: 'code', unigramBitsPerByte: 5.05 },
    ],
  })
}

export function stepAll(view: FleetView, messages: readonly FleetMessage[]): FleetView {
  return messages.reduce(stepView, view)
}

export function state(agentId: string, value: 'ready' | 'busy' | 'lost'): FleetMessage {
  const body = { ...envelope, state: value }
  return { name: 'agentState', parameters: { agentId }, body }
}

export function controller(value: 'waiting' | 'running' | 'finished'): FleetMessage {
  const body = { ...envelope, controllerId: 'edge', version: '0.1.0', state: value }
  return { name: 'controllerState', parameters: {}, body }
}

export function clock(crId: number): FleetMessage {
  const body = { ...envelope, crId, startsAt: time(crId, 0), slots: SLOTS, slotMs: SLOT_MS }
  return { name: 'crClock', parameters: {}, body }
}

export function health(agentId: string, session: number, bytes: number): FleetMessage {
  return {
    name: 'agentHealth',
    parameters: { agentId },
    body: {
      ...envelope,
      session,
      uptimeSeconds: 1,
      cpuShare: 0.1,
      rssBytes: 90_000_000,
      outbox: { storedMessages: 0, storedBytes: 0, delivered: 0, dropped: 0 },
      sensors: {},
      wire: { bytesSent: bytes, bytesReceived: bytes },
      rejectedMessages: 0,
    },
  }
}

export function urp(agentId: string): FleetMessage {
  const quantity = (value: number) => ({
    p10: value,
    p50: value,
    p90: value,
    n: 3,
    method: 'test',
    measuredAt: time(0, 0),
    bytesSpent: 0,
  })
  return {
    name: 'urp',
    parameters: { agentId },
    body: {
      ...envelope,
      crId: 0,
      slots: SLOTS,
      slotMs: SLOT_MS,
      validUntil: time(1, 0),
      frequency: [],
      computing: {
        units: [10e9, 12.4e9].map((peakFlopsPerSecond, index) => ({
          unit: `cpu${index}`,
          kind: 'cpu-core' as const,
          peakFlopsPerSecond,
          sustainedFactor: 1,
        })),
        availability: matrixOf(SLOTS, 2, () => 0.5),
        threads: 1,
      },
      links: [
        {
          link: 'edge',
          downlinkBitsPerSecond: quantity(812e6),
          rttMs: { ...quantity(0.42), min: 0.3 },
        },
      ],
      sensing: [],
      provenance: {},
    },
  }
}

export function assignment(
  agentId: string,
  crId: number,
  { sense, consume }: { readonly sense: string; readonly consume?: string },
): FleetMessage {
  const order: ConsumeOrder | null =
    consume === undefined
      ? null
      : {
          grId: crId - 1,
          modelId: consume,
          version: hash,
          mode: 'full',
          downloadSlots: [1, 2],
          computeSlots: [2, 8],
          uploadSlots: [8, 10],
          downloadBlocks: 8,
          uploadBlocks: 8,
          computingShare: 0.4,
          sampleCount: 11_400,
          localEpochs: 1,
          batch: 64,
          learningRate: 0.002,
          uploadBitsMax: 1e7,
          seed: 1,
        }
  return {
    name: 'assignment',
    parameters: { agentId },
    body: {
      ...envelope,
      crId,
      sense: {
        grId: crId,
        modelId: sense,
        sensor: 'folder',
        slots: [[1, 10]],
        samplesWanted: 15_000,
      },
      consume: order,
      reason: `gain 0.31 of ${sense}, correlation 0.93, 11,400 samples`,
    },
  }
}

/** Slots that a phase took, as the agent reports them when it is over. */
export function interval(
  phase: PhaseInterval['phase'],
  crId: number,
  [from, to]: readonly [number, number],
): PhaseInterval {
  return { phase, startedAt: time(crId, from), endedAt: time(crId, to) }
}

export function status(
  agentId: string,
  crId: number,
  change: Partial<Extract<FleetMessage, { name: 'assignmentStatus' }>['body']>,
): FleetMessage {
  return {
    name: 'assignmentStatus',
    parameters: { agentId },
    body: {
      ...envelope,
      crId,
      grId: crId - 1,
      part: 'consume',
      modelId: 'code',
      status: 'progress',
      ...change,
    },
  }
}

export function manifest(
  modelId: string,
  versionNumber: number,
  bitsPerByte?: number,
): FleetMessage {
  const blob = { sha256: hash, bytes: 4, blockBytes: 4, blocks: 1 }
  return {
    name: 'modelManifest',
    parameters: { modelId },
    body: {
      ...envelope,
      modelId,
      version: hash,
      versionNumber,
      parent: null,
      publishedAt: time(0, 0),
      objective: 'next-byte',
      takes: nextByteOf(16),
      sensorKinds: [],
      training: blob,
      parameters: blob,
      flopsPerSample: 1e6,
      targetSketch: {
        kind: 'byte-histogram',
        counts: new Array<number>(256).fill(1),
        sampleCount: 256,
      },
      ...(bitsPerByte === undefined ? {} : { bitsPerByte }),
    },
  }
}

export function record(crId: number, change: Partial<RoundRecord>): FleetMessage {
  return {
    name: 'roundRecord',
    parameters: { crId: String(crId) },
    body: {
      ...envelope,
      crId,
      startedAt: time(crId, 0),
      endedAt: time(crId + 1, 0),
      policy: 'greedy-gain',
      gain: 0.5,
      bound: 0.5,
      gap: 0,
      choices: [],
      contributions: [],
      models: [],
      excluded: [],
      ...change,
    },
  }
}
