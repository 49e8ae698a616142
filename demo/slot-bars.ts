import type { SlotRange } from '../protocol/assignment.ts'
import type { AgentRound, PhaseView } from './agent-view.ts'
import { joined, type Line, type Span, type Style, span } from './styled-text.ts'

/** Columns of a bar; ten slots are three columns each. */
export const BAR_COLUMNS = 30

export interface RoundTimes {
  readonly startsAtMs: number
  readonly slots: number
  readonly slotMs: number
}

type PhaseName = PhaseView['phase']

const DONE: { readonly [Name in PhaseName]: string } = {
  sense: '▒',
  download: 'D',
  train: 'T',
  upload: 'U',
}
const PLANNED: { readonly [Name in PhaseName]: string } = {
  sense: '░',
  download: 'd',
  train: 't',
  upload: 'u',
}

/** What the agent senses for this GAI round, over the slots of the communication round. */
export function senseBar(round: AgentRound | undefined, times: RoundTimes, nowMs: number): Line {
  const plan = new Map<PhaseName, SlotRange>()
  const runs = round?.assignment?.sense?.slots ?? []
  const [first, last] = [runs[0], runs.at(-1)]
  if (first && last) plan.set('sense', [first[0], last[1]])
  return bar({ plan, phases: round?.phases ?? [], names: ['sense'], times, nowMs })
}

/** Its consumption of the round before, over the same slots: what overlaps stands one above the other. */
export function consumeBar(round: AgentRound | undefined, times: RoundTimes, nowMs: number): Line {
  const plan = new Map<PhaseName, SlotRange>()
  const consume = round?.assignment?.consume
  if (consume) {
    plan.set('download', consume.downloadSlots)
    plan.set('train', consume.computeSlots)
    plan.set('upload', consume.uploadSlots)
  }
  const names = ['upload', 'train', 'download'] as const
  return bar({ plan, phases: round?.phases ?? [], names, times, nowMs })
}

function bar({
  plan,
  phases,
  names,
  times,
  nowMs,
}: {
  readonly plan: ReadonlyMap<PhaseName, SlotRange>
  readonly phases: readonly PhaseView[]
  /** The first that is there wins the column: short phases before long ones. */
  readonly names: readonly PhaseName[]
  readonly times: RoundTimes
  readonly nowMs: number
}): Line {
  const columnMs = (times.slots * times.slotMs) / BAR_COLUMNS
  const shown = phases.map(phase => notBefore(phase, plan.get(phase.phase), times))
  const cells = Array.from({ length: BAR_COLUMNS }, (_, column): Span => {
    const fromMs = times.startsAtMs + column * columnMs
    const done = names.find(name =>
      shown.some(phase => phase.phase === name && touches(phase, fromMs, columnMs, nowMs)),
    )
    if (done) return span(DONE[done], done satisfies Style)
    const slot = (column + 0.5) / (BAR_COLUMNS / times.slots)
    const planned = names.find(name => {
      const [from, to] = plan.get(name) ?? [0, 0]
      const isOver = phases.some(phase => phase.phase === name && phase.endedAtMs !== null)
      return from <= slot && slot < to && !isOver
    })
    return span(planned ? PLANNED[planned] : '·', 'dim')
  })
  return joined(cells)
}

/** A phase is announced when its turn has come; it waits for its slots. */
function notBefore(phase: PhaseView, slots: SlotRange | undefined, times: RoundTimes): PhaseView {
  const slotStartMs = times.startsAtMs + (slots?.[0] ?? 0) * times.slotMs
  if (phase.endedAtMs !== null && phase.endedAtMs <= slotStartMs) return phase
  return { ...phase, startedAtMs: Math.max(phase.startedAtMs, slotStartMs) }
}

/** A phase shows in every column of which it has some time: transfers may be shorter than one. */
function touches(phase: PhaseView, fromMs: number, columnMs: number, nowMs: number): boolean {
  const endedAtMs = phase.endedAtMs ?? nowMs
  return phase.startedAtMs < fromMs + columnMs && endedAtMs > fromMs
}
