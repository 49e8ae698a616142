import { onTestFinished } from 'vitest'
import { CrCounter } from '../../../controller/rounds/cr-counter.ts'
import type { RoundPlan } from '../../../controller/rounds/round-planner.ts'
import {
  type RoundActions,
  RoundRunner,
  type RoundRunnerOptions,
} from '../../../controller/rounds/round-runner.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { consumeOf, senseOf } from '../agent/orders.ts'
import { urpOf } from '../orchestrate/urps.ts'
import { stored } from './round-events.ts'

export const CUT = { slots: 4, slotMs: 500 }
export const CR_MS = CUT.slots * CUT.slotMs
/** From start() to the first round. */
export const LEAD_MS = 2500

/** Who has sent a URP senses, and consumes what it has sensed. */
export function planEverybody({
  crId,
  urps,
  sensed,
  maySense,
}: Parameters<RoundActions['plan']>[0]) {
  const assignments = [...urps.keys()].sort().map(agentId => {
    const { grId } = sensed.get(agentId) ?? {}
    const consume = grId === undefined ? null : consumeOf({ grId })
    const sense = maySense ? senseOf({ grId: crId }) : null
    return { agentId, assignment: { crId, sense, consume, reason: '' } }
  })
  const plan: RoundPlan = { assignments, choices: [], gain: 0, bound: 0, gap: 0, excluded: [] }
  return plan
}

/** Who has sent a URP senses and consumes it in the same round. */
export function planSerial(inputs: Parameters<RoundActions['plan']>[0]) {
  const sensed = [...inputs.urps.keys()].map(
    agentId => [agentId, { grId: inputs.crId, modelId: 'prose', sampleCount: 1 }] as const,
  )
  return planEverybody({ ...inputs, sensed: new Map(sensed) })
}

/** A runner whose actions are written down with the time since the first round began. */
export async function startRunner(
  o: Partial<Pick<RoundRunnerOptions, 'limit' | 'present' | 'schedule'>> & {
    readonly actions?: Partial<RoundActions>
    /** Called when the counter of ids was opened there. */
    readonly onOpened?: (stateDirectory: string) => void
  } = {},
) {
  const clock = new VirtualClock()
  const { log, lines } = testLog()
  const said: string[] = []
  let firstMs = Number.NaN
  const say = (text: string): void => {
    said.push(`${Math.round(clock.now() - firstMs)} ${text}`)
  }
  const actions: RoundActions = {
    announce: async ({ crId, startsAt }) => {
      if (Number.isNaN(firstMs)) firstMs = Date.parse(startsAt)
      say(`announce ${crId} from ${Date.parse(startsAt) - firstMs}`)
    },
    plan: inputs => {
      const { crId, urps, sensed } = inputs
      say(`plan ${crId} on ${[...urps.keys()].sort()} with ${[...sensed.keys()].sort()}`)
      return (o.actions?.plan ?? planEverybody)(inputs)
    },
    publishAssignments: async assignments => say(`assign ${assignments.length}`),
    aggregate: async (modelId, contributions, round) => {
      say(`average ${modelId} of ${contributions.map(({ agentId }) => agentId)}`)
      if (o.actions?.aggregate) await o.actions.aggregate(modelId, contributions, round)
      else round.onCommitted()
    },
    record: async round => {
      const outcomes = round.contributions.map(({ agentId, outcome }) => `${agentId} ${outcome}`)
      say(`record ${round.crId}: ${outcomes.join(', ') || 'nothing'}`)
      await o.actions?.record?.(round)
    },
    answerLate: ({ agentId, lateMs }) => say(`tell ${agentId} that it was ${lateMs} ms late`),
  }
  const stateDirectory = temporaryDirectory()
  const counter = new CrCounter({ stateDirectory, log })
  await counter.open()
  o.onOpened?.(stateDirectory)
  const runner = new RoundRunner({
    clock,
    counter,
    ...CUT,
    limit: o.limit,
    ...(o.schedule ? { schedule: o.schedule } : {}),
    actions,
    present: o.present ?? (() => ['a', 'b']),
    onFinished: () => say('finished'),
    log,
  })
  onTestFinished(() => runner.stop())
  await runner.start()
  const passTo = (ms: number) => clock.advance(firstMs + ms - clock.now())
  const offer = (crId: number, ...agentIds: readonly string[]): void => {
    for (const agentId of agentIds) runner.onUrp(agentId, { ...urpOf(), crId })
  }
  const sense = (crId: number, ...agentIds: readonly string[]): void => {
    for (const agentId of agentIds) {
      runner.onSenseStatus(agentId, {
        session: 1,
        sequence: 0,
        sentAt: '2026-01-01T00:00:00.000Z',
        crId,
        grId: crId,
        part: 'sense',
        modelId: 'prose',
        status: 'done',
        sampleCount: 100,
      })
    }
  }
  const deliver = (crId: number, ...agentIds: readonly string[]): void => {
    for (const agentId of agentIds) {
      runner.dispatch(stored(agentId, { crId, grId: crId - 1, atMs: clock.now() }))
    }
  }
  return { runner, clock, said, lines, passTo, offer, sense, deliver, firstMs }
}
