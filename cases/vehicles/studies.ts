import type { Policy } from '../../controller/orchestrate/policies/policy.ts'
import { POLICIES } from '../../controller/orchestrate/policies/registry.ts'
import { Environment } from '../../controller/simulate/environment.ts'
import { drawScenario } from '../../controller/simulate/scenario.ts'
import {
  type Limit,
  limited,
  PRESETS,
  type PresetName,
  type ScenarioOptions,
} from '../../controller/simulate/scenario-options.ts'
import { bestSerialGain } from '../../controller/simulate/serial-schedule.ts'
import type { Tally } from '../report/tally.ts'
import { consumptionJoules } from './consumption-joules.ts'
import { type MeasuredRates, measuredWorld } from './measured-cells.ts'
import { capacityBound, type Play, play, playOptimum } from './play.ts'

/** What a study is made on: a cell and the place for its figures. */
export interface Study {
  readonly options: ScenarioOptions
  readonly seed: number
  readonly tally: Tally
  /** Learned policies, which are none of the registry. */
  readonly learned: readonly Policy[]
}

/** Greatest difference between stated and paid gap over all plays of a study. */
export type StatedError = number

const RULES = ['receding-dp', 'greedy-gain', 'ml-c', 'ml-cc', 'ml-scc', 'mp-tsc']
const PLANNERS = ['receding-dp', 'greedy-gain']
const CAPACITIES = [8, 5]

/** Row names say greedy where the registry says greedy-gain. */
function rowName({ name }: Policy): string {
  return name === 'greedy-gain' ? 'greedy' : name
}

/** Of the registry, with all that were learned. */
function policiesOf(names: readonly string[], learned: readonly Policy[] = []): Policy[] {
  return [...learned, ...POLICIES.filter(({ name }) => names.includes(name))]
}

/** Every policy as a share of the clairvoyant optimum, and Zeros beside the best serial schedule. */
export function studyShares({ options, seed, tally, learned }: Study): StatedError {
  const scenario = drawScenario(options, seed)
  const env = new Environment(scenario)
  const optimum = playOptimum(env, seed)
  const free = POLICIES.filter(({ name }) => name !== 'priced-dp')
  const plays = [...learned, ...free].map(policy => {
    const one = play(env, policy, { seed })
    tally.add(`optimum-share.${rowName(policy)}`, one.gain, optimum.gain)
    return one
  })
  tally.add('zeros-vs-serial', optimum.gain, bestSerialGain(scenario))
  return Math.max(...[optimum, ...plays].map(({ statedError }) => statedError))
}

/** Models that take a few devices only, as a share of the Lagrangian bound. */
export function studyCapacities({ options, seed, tally, learned }: Study): StatedError {
  const env = new Environment(drawScenario(options, seed))
  const plays: Play[] = []
  for (const capacity of CAPACITIES) {
    const capacities = new Array<number>(options.models).fill(capacity)
    const bound = capacityBound(env, capacities)
    for (const policy of [...learned, ...POLICIES]) {
      const one = play(env, policy, { seed, capacities })
      tally.add(`cap${capacity}.${rowName(policy)}`, one.gain, bound)
      plays.push(one)
    }
    const [priced] = policiesOf(['priced-dp'])
    if (priced === undefined) continue
    const known = play(env, priced, { seed, capacities, isClairvoyant: true })
    tally.add(`cap${capacity}.priced-dp-with-future`, known.gain, bound)
  }
  return Math.max(...plays.map(({ statedError }) => statedError))
}

/** Less time, spectrum or computing, as a share of the unlimited optimum. */
export function studyLimits({ options, seed, tally, learned }: Study): void {
  for (const preset of ['light', 'balanced'] as const) {
    const lax = withSizes(PRESETS[preset], options)
    const env = new Environment(drawScenario(lax, seed))
    const unlimited = playOptimum(env, seed)
    for (const policy of policiesOf(RULES, learned)) {
      const { gain } = play(env, policy, { seed })
      tally.add(`robust.${preset}.none.${rowName(policy)}`, gain, unlimited.gain)
    }
    for (const limit of ['time', 'frequency', 'compute'] as const) {
      studyLimit({ preset, limit, lax, unlimited, seed, tally, learned })
    }
  }
}

function studyLimit(o: {
  readonly preset: PresetName
  readonly limit: Limit
  readonly lax: ScenarioOptions
  readonly unlimited: Play
  readonly seed: number
  readonly tally: Tally
  readonly learned: readonly Policy[]
}): void {
  const strict = limited(o.lax, o.limit)
  const env = new Environment(drawScenario(strict, o.seed))
  const name = `robust.${o.preset}.${o.limit}`
  const best = playOptimum(env, o.seed)
  o.tally.add(`${name}.optimum`, best.gain, o.unlimited.gain)
  for (const policy of policiesOf(RULES, o.learned)) {
    const { gain } = play(env, policy, { seed: o.seed })
    o.tally.add(`${name}.${rowName(policy)}`, gain, o.unlimited.gain)
  }
  if (o.limit !== 'time') return
  const laxEnv = new Environment(drawScenario(o.lax, o.seed))
  o.tally.add(`${name}.joules`, joulesOf(env, best, strict), joulesOf(laxEnv, best, o.lax))
}

/** Energy of the second stage for what was chosen, in the windows of an environment. */
function joulesOf(env: Environment, { rounds }: Play, options: ScenarioOptions): number {
  let joules = 0
  for (const [round, { matching }] of rounds.entries()) {
    const stage = env.stages[round]
    for (const { edge } of matching.choices) {
      if (edge !== null && stage !== undefined) joules += consumptionJoules(stage, edge, options)
    }
  }
  return joules
}

/** Other cells than the default one, and views that are one CR old. */
export function studyChanges({ options, seed, tally, learned }: Study): void {
  for (const [change, changed] of Object.entries(changesOf(options))) {
    const env = new Environment(drawScenario(changed, seed))
    const optimum = playOptimum(env, seed)
    for (const policy of policiesOf(PLANNERS, learned)) {
      const { gain } = play(env, policy, { seed })
      // What was learned meets these cells without being trained again.
      const kind = learned.includes(policy) ? 'zero-shot' : 'change'
      tally.add(`${kind}.${change}.${rowName(policy)}`, gain, optimum.gain)
    }
  }
  const scenario = drawScenario(options, seed)
  const optimum = playOptimum(new Environment(scenario), seed)
  const stale = new Environment(scenario, { staleCrs: 1 })
  const gains = new Map<string, number>()
  for (const policy of policiesOf(RULES, learned)) {
    const { gain } = play(stale, policy, { seed })
    gains.set(rowName(policy), gain)
    tally.add(`stale.${rowName(policy)}`, gain, optimum.gain)
  }
  tallyOverGreedy(tally, 'stale', gains)
}

/** Pairs seed with seed, so that an interval says whether the one is behind the other. */
function tallyOverGreedy(tally: Tally, name: string, gains: ReadonlyMap<string, number>): void {
  const greedy = gains.get('greedy') ?? 0
  for (const policy of ['executed', 'receding-dp']) {
    tally.add(`${name}.${policy}-over-greedy`, gains.get(policy) ?? 0, greedy)
  }
}

/** Cells on measured links and processors: the future is not what it was in any model. */
export function studyMeasured(
  { options, seed, tally, learned }: Study,
  rates: MeasuredRates,
  speeds: readonly number[],
): void {
  for (const [family, traces] of rates) {
    const scenario = drawScenario(options, seed, measuredWorld(traces, speeds, { seed, options }))
    const env = new Environment(scenario)
    const optimum = playOptimum(env, seed)
    const stale = new Environment(scenario, { staleCrs: 1 })
    const gains = new Map<string, number>()
    for (const policy of policiesOf(PLANNERS, learned)) {
      const name = rowName(policy)
      const { gain } = play(stale, policy, { seed })
      gains.set(name, gain)
      tally.add(`traces.${family}.${name}`, play(env, policy, { seed }).gain, optimum.gain)
      tally.add(`traces.${family}.stale.${name}`, gain, optimum.gain)
    }
    tallyOverGreedy(tally, `traces.${family}.stale`, gains)
  }
}

/** The changes under which a trained policy is to hold without being trained again. */
function changesOf(options: ScenarioOptions): Readonly<Record<string, ScenarioOptions>> {
  return {
    'vehicles-100': { ...options, vehicles: 100 },
    'models-20': { ...options, models: 20 },
    'rounds-10': { ...options, rounds: 10 },
    'half-frequency': limited(options, 'frequency'),
    'half-compute': limited(options, 'compute'),
    'slots-6': { ...options, slots: 6 },
  }
}

/** A preset in the size that was asked for. */
export function withSizes(preset: ScenarioOptions, sizes: ScenarioOptions): ScenarioOptions {
  const { vehicles, targets, models, slots, rounds } = sizes
  return { ...preset, vehicles, targets, models, slots, rounds }
}
