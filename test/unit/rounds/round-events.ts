import { readFileSync } from 'node:fs'
import type {
  RoundEffect,
  RoundEvent,
  RoundState,
} from '../../../controller/rounds/round-machine.ts'
import { openRound, stepRound } from '../../../controller/rounds/round-machine.ts'
import { urpOf } from '../orchestrate/urps.ts'

export const CR = 3
export const ENDED_MS = 30_000

export const urp = urpOf()

/** Agents by name with the model that they consume for, or null to consume nothing. */
export function matched(models: Readonly<Record<string, string | null>>, crId = CR): RoundEvent {
  const assignments = Object.entries(models).map(([agentId, modelId]) => ({
    agentId,
    assignment: {
      crId,
      sense: null,
      consume: modelId === null ? null : consumeOf(modelId),
      reason: '',
    },
  }))
  return { type: 'matched', crId, assignments }
}

function consumeOf(modelId: string) {
  return {
    grId: 2,
    modelId,
    version: 'a'.repeat(64),
    mode: 'full' as const,
    downloadSlots: [1, 2] as [number, number],
    computeSlots: [2, 8] as [number, number],
    uploadSlots: [8, 10] as [number, number],
    downloadBlocks: 1,
    uploadBlocks: 1,
    computingShare: 0.5,
    sampleCount: 40,
    localEpochs: 1,
    batch: 8,
    learningRate: 0.01,
    uploadBitsMax: 1000,
    seed: 1,
  }
}

export const stored = (agentId: string, o: { crId?: number; grId?: number; atMs?: number } = {}) =>
  ({
    type: 'update-stored',
    crId: o.crId ?? CR,
    agentId,
    grId: o.grId ?? 2,
    storedAtMs: o.atMs ?? ENDED_MS - 1000,
    update: {
      sha256: 'b'.repeat(64),
      baseVersion: 'a'.repeat(64),
      sampleCount: 40,
      lossBefore: 3,
      lossAfter: 2,
      bytes: 400,
      phases: [],
    },
  }) satisfies RoundEvent
export const refused = (agentId: string): RoundEvent => ({
  type: 'contribution-refused',
  crId: CR,
  agentId,
  grId: 2,
  reason: 'needs 4 MiB of memory, 1 MiB is free',
})
export const failed = (agentId: string): RoundEvent => ({
  type: 'contribution-failed',
  crId: CR,
  agentId,
  grId: 2,
  reason: 'the trainer ended with SIGKILL',
})
export const died = (agentId: string): RoundEvent => ({
  type: 'agent-died',
  agentId,
  reason: 'its will',
})
export const reported = (agentId: string): RoundEvent => ({
  type: 'urp-received',
  crId: CR,
  agentId,
  urp,
})
export const started: RoundEvent = { type: 'cr-started', crId: CR }
export const ended: RoundEvent = { type: 'cr-ended', crId: CR, endedAtMs: ENDED_MS }
export const aggregated = (modelId: string): RoundEvent => ({
  type: 'aggregated',
  crId: CR,
  modelId,
})
export const aggregationFailed = (modelId: string): RoundEvent => ({
  type: 'aggregation-failed',
  crId: CR,
  modelId,
  reason: 'parameter 3 is NaN',
})
export const overdue: RoundEvent = { type: 'aggregation-overdue', crId: CR }

export const running = [started, matched({ a: 'prose', b: 'prose', c: 'code', d: null })]

interface Walk {
  readonly state: RoundState
  readonly before: RoundState
  /** Effects of the last event. */
  readonly effects: readonly RoundEffect[]
  readonly allEffects: readonly RoundEffect[]
}

export function walk(...events: readonly RoundEvent[]): Walk {
  let state = openRound(CR)
  let before = state
  let effects: readonly RoundEffect[] = []
  const allEffects: RoundEffect[] = []
  for (const event of events) {
    before = state
    const step = stepRound(state, event)
    state = step.state
    effects = step.effects
    allEffects.push(...effects)
  }
  return { state, before, effects, allEffects }
}

/** How far each agent's contribution has come, e.g. { a: 'stored' }. */
export function outcomes(state: RoundState): Record<string, string> {
  if (!('contributions' in state)) return {}
  return Object.fromEntries([...state.contributions].map(([id, one]) => [id, one.outcome]))
}

const documentation = readFileSync(
  new URL('../../../docs/explanation/rounds.md', import.meta.url),
  'utf8',
)
export const [machineDiagram = '', contributionDiagram = ''] = [
  ...documentation.matchAll(/```mermaid\n([^`]*)```/g),
].map(match => match[1] ?? '')

export function edgesOf(diagram: string): string[] {
  return diagram
    .split('\n')
    .map(line => line.trim())
    .filter(line => line.includes('-->') && !line.startsWith('[*]'))
}
