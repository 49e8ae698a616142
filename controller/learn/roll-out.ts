import type { Transition } from '../../training/sac/sac-learner.ts'
import { ACTION_FEATURES, GAIN_SCALE } from '../orchestrate/action-features.ts'
import { type DecisionStage, slotArraysOf } from '../orchestrate/decision-stage.ts'
import { PlanSearch } from '../orchestrate/horizon/plan-search.ts'
import {
  CANDIDATES,
  type CandidateBatch,
  LOOK_AHEAD_ROUNDS,
  modelOf,
  observe,
} from '../orchestrate/sac/candidates.ts'
import { Environment } from '../simulate/environment.ts'
import type { TrainingCell } from './training-cells.ts'

/** Chooses a place among the candidates of each device. */
export type Choose = (candidates: CandidateBatch) => Promise<ArrayLike<number>> | ArrayLike<number>

const ROW = CANDIDATES * ACTION_FEATURES.length

/** What follows the last round; one action, so that there is something to choose. */
const NOTHING = {
  features: new Float32Array(ROW),
  mask: Float32Array.from({ length: CANDIDATES }, (_, place) => (place === 0 ? 1 : 0)),
}

interface Decision {
  readonly candidates: CandidateBatch
  readonly choices: ArrayLike<number>
  readonly gains: Float64Array
}

/**
 * Plays a cell to its end, and tells a transition of each device and round. Devices share nothing in
 * a cell, so that the value of a team's action is the sum of its devices' values, exactly, and each
 * device learns from its own gains.
 *
 * Where vehicles go and what they see does not depend on what they choose: what depends on that alone
 * can be taken off a reward, and no policy's order changes (Mao et al. 2019; Dietterich et al. 2018):
 *
 *   r = 5 · (g − c(next round)),   c = max over actions of g + (plan after it) − (plan after idling)
 *
 * with c from a wholly free pool: what a device usually gains in the next round, and most of what
 * chance does to it. The value of an action is then about 5·g + look-ahead, with which networks
 * begin; they learn how the plan errs because views and links move on.
 */
export async function rollOut(
  { scenario, staleCrs }: TrainingCell,
  choose: Choose,
  tell: (transition: Transition) => void,
): Promise<Int8Array[]> {
  const env = new Environment(scenario, { staleCrs })
  const played: Int8Array[] = []
  let before: Decision | null = null
  while (!env.isOver) {
    const candidates = observe(env.stage, env.pools, env.roundsLeft)
    if (before !== null) tellAll(before, { candidates, usual: usualGains(env, candidates) }, tell)
    const choices = await choose(candidates)
    const models = Int32Array.from({ length: candidates.deviceCount }, (_, device) => {
      return modelOf(candidates.actions[device * CANDIDATES + (choices[device] ?? 0)] ?? 0)
    })
    const { gains } = env.step(models)
    before = { candidates, choices, gains }
    played.push(Int8Array.from(choices))
  }
  if (before !== null) tellAll(before, null, tell)
  return played
}

/** c by device. What follows on idling does not depend on the pool. */
function usualGains(
  { stage, roundsLeft }: Environment,
  { afterIdling }: CandidateBatch,
): Float64Array {
  const rounds = Math.min(1 + LOOK_AHEAD_ROUNDS, roundsLeft)
  const search = new PlanSearch(new Array<DecisionStage>(rounds).fill(stage))
  const free = slotArraysOf(
    stage.inputs.devices.map(({ pool }) => pool),
    stage.slots,
  )
  return Float64Array.from({ length: stage.deviceCount }, (_, device) => {
    return search.best(device, free).total - (afterIdling[device] ?? 0)
  })
}

function tellAll(
  { candidates, choices, gains }: Decision,
  next: { readonly candidates: CandidateBatch; readonly usual: Float64Array } | null,
  tell: (transition: Transition) => void,
): void {
  for (let device = 0; device < candidates.deviceCount; device++) {
    tell({
      observation: rowsOf(candidates, device),
      action: [choices[device] ?? 0],
      reward: GAIN_SCALE * ((gains[device] ?? 0) - (next?.usual[device] ?? 0)),
      next: next === null ? NOTHING : rowsOf(next.candidates, device),
      isTerminal: next === null,
    })
  }
}

function rowsOf({ features, mask }: CandidateBatch, device: number) {
  return {
    features: features.subarray(device * ROW, (device + 1) * ROW),
    mask: mask.subarray(device * CANDIDATES, (device + 1) * CANDIDATES),
  }
}
