import { capacityPrices } from '../../controller/orchestrate/horizon/capacity-prices.ts'
import { StateGraph } from '../../controller/orchestrate/horizon/state-graph.ts'
import { exactDpPolicy } from '../../controller/orchestrate/policies/exact-dp-policy.ts'
import type { Matching, Policy } from '../../controller/orchestrate/policies/policy.ts'
import { type Environment, modelsOf } from '../../controller/simulate/environment.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'

/** One policy through all rounds of a cell. */
export interface Play {
  readonly gain: number
  readonly rounds: readonly PlayedRound[]
  /** Greatest difference between what a plan stated and what was paid, as a share. */
  readonly statedError: number
}

export interface PlayedRound {
  readonly matching: Matching
  readonly gain: number
  readonly workloads: Float64Array
}

export interface PlayOptions {
  readonly seed: number
  readonly capacities?: readonly number[]
  /** Whether the policy sees the rounds to come as they will be. */
  readonly isClairvoyant?: boolean
}

export function play(env: Environment, policy: Policy, o: PlayOptions): Play {
  env.reset()
  const random = seededRandom(o.seed)
  const rounds: PlayedRound[] = []
  while (!env.isOver) {
    const matching = policy.propose(env.graph(), {
      random,
      roundsLeft: env.roundsLeft,
      ...(o.capacities ? { capacities: o.capacities } : {}),
      ...(o.isClairvoyant ? { future: env.stagesAhead } : {}),
    })
    const { gain, workloads } = env.step(modelsOf(matching))
    rounds.push({ matching, gain, workloads })
  }
  const gain = rounds.reduce((sum, round) => sum + round.gain, 0)
  const kept = o.isClairvoyant && !o.capacities ? brokenPromise(rounds, gain) : 0
  return { gain, rounds, statedError: Math.max(kept, statedErrorOf(rounds)) }
}

/** The best there is without shared capacities, knowing all rounds. */
export function playOptimum(env: Environment, seed: number): Play {
  return play(env, exactDpPolicy, { seed, isClairvoyant: true })
}

/** What no policy can exceed within the capacities, knowing all rounds. */
export function capacityBound(env: Environment, capacities: readonly number[]): number {
  env.reset()
  const graph = new StateGraph(env.stages)
  const devices = Array.from({ length: env.stage.deviceCount }, (_, device) =>
    graph.addDevice(device, env.pools),
  )
  return capacityPrices(graph, devices, capacities).bound
}

/** A plan that knows the rounds to come promises at the first what all of them bring. */
function brokenPromise([first]: readonly PlayedRound[], gain: number): number {
  const promised = first?.matching.outlook?.gain ?? 0
  return gain > 0 ? Math.abs(promised - gain) / gain : 0
}

/** A plan states gain, bound and gap; the gap is stated well if it is that of what was paid. */
function statedErrorOf(rounds: readonly PlayedRound[]): number {
  return rounds.reduce((worst, { matching, gain }) => {
    const gap = matching.bound > 0 ? (matching.bound - gain) / matching.bound : 0
    return Math.max(worst, Math.abs(gap - matching.gap))
  }, 0)
}
