import { PolicyTraining } from '../controller/learn/policy-training.ts'
import { CorrelationMemo } from '../controller/orchestrate/correlation-memo.ts'
import { energyAwareWorkload, leastEnergyPlan } from '../controller/orchestrate/energy-workload.ts'
import { ExecutedPolicy } from '../controller/orchestrate/execute/executed-policy.ts'
import { buildLatentGraph } from '../controller/orchestrate/latent-graph.ts'
import { exactDpPolicy } from '../controller/orchestrate/policies/exact-dp-policy.ts'
import { greedyGainPolicy } from '../controller/orchestrate/policies/greedy-gain-policy.ts'
import type { Policy } from '../controller/orchestrate/policies/policy.ts'
import { recedingDpPolicy } from '../controller/orchestrate/policies/receding-dp-policy.ts'
import { sacPolicy } from '../controller/orchestrate/policies/sac-policy.ts'
import { readPolicyFile } from '../controller/orchestrate/sac/policy-file.ts'
import { buildPolicyFile, HIDDEN } from '../controller/orchestrate/sac/policy-networks.ts'
import { Environment } from '../controller/simulate/environment.ts'
import { drawScenario } from '../controller/simulate/scenario.ts'
import { BALANCED } from '../controller/simulate/scenario-options.ts'
import { createLogger } from '../runtime/logger.ts'
import { seededRandom, standardNormal } from '../runtime/seeded-random.ts'
import { loadOrt } from '../training/trainer/ort-session.ts'
import type { Bench, BenchRow } from './bench-report.ts'
import { searchedEnergy, searchedWorkload } from './orchestrate/convex-search.ts'
import { drawEnergyPair } from './orchestrate/energy-pairs.ts'
import { drawFleet, nextInputs } from './orchestrate/fleet-inputs.ts'
import { median } from './training/paired-rounds.ts'

const SEED = 1
const SIZES = [
  { devices: 1000, models: 20, decisions: 25 },
  { devices: 10_000, models: 20, decisions: 9 },
] as const
const DECISIONS_QUICK = 3
/** A controller decides for days; what its first rounds take is spent on translation. */
const WARM_UP_DECISIONS = 5
const PAIRS = 100
const PAIRS_QUICK = 20
const ENVIRONMENT_STEPS = 400
const UPDATES = 300
const UPDATES_QUICK = 30

/** Time from the features of a fleet to its matching, and the workload beside a convex search. */
export const orchestrate: Bench = {
  name: 'orchestrate',
  description: 'time of a decision for large fleets; the continuous workload beside a search',
  minutes: 1,
  async run({ quick }) {
    const rows: BenchRow[] = []
    const sac = scatteredPolicy()
    for (const size of SIZES) {
      const name = `decide.${size.devices}x${size.models}`
      const decisions = quick ? DECISIONS_QUICK : size.decisions
      const time = (suffix: string, o: Pick<Decisions, 'policy' | 'isNew' | 'isFree'>): void => {
        rows.push(...decideRows(`${name}${suffix}`, { ...size, decisions, ...o }))
      }
      time('', { policy: executed(greedyGainPolicy) })
      time('.receding-dp', { policy: executed(recedingDpPolicy) })
      time('.sac', { policy: executed(sac) })
      time('.new-sketches', { policy: executed(greedyGainPolicy), isNew: true })
      time('.bound', { policy: exactDpPolicy, isFree: true })
    }
    rows.push(environmentRow(), await updatesRow(quick ? UPDATES_QUICK : UPDATES))
    rows.push(...errorRows(quick ? PAIRS_QUICK : PAIRS))
    return {
      rows,
      notes: [
        'decide: latent graph and matching, from pools and sketches on, as a controller executes them: the ' +
          'policy and the plan beside it; a third of the devices also sense by radio; goals 50 ms for 1000 x 20, ' +
          '600 ms for 10000 x 20',
        'decide.NxM: greedy gain; …cpu: processor time of the same decisions, garbage collector included, which other programs lengthen less',
        'new-sketches: the same when every sketch of 256 bins changed since the last CR',
        'bound: exact plan of three rounds for each device as if it were alone',
        'sac.updates: of 256 transitions each, with the cells that are played for them, from the first on',
        'environment: decisions of one device in the simulator, 50 devices and 12 models',
        'workload.vs-solver: greatest difference beside a search over the convex program, relative',
      ],
    }
  },
}

/** Scores that differ from the plan's now and then, as those of a trained policy do. */
function scatteredPolicy(): Policy {
  const random = seededRandom(SEED)
  const weights = ['actor', 'critic.0', 'critic.1'].map(network => {
    const values = Float32Array.from({ length: HIDDEN }, () => 0.01 * standardNormal(random))
    return [`${network}.score.weight`, values] as const
  })
  return sacPolicy(readPolicyFile(buildPolicyFile(new Map(weights))))
}

function executed(policy: Policy): Policy {
  return new ExecutedPolicy(policy, { log: createLogger({ daemon: 'bench', level: 'warn' }) })
}

interface Decisions {
  readonly devices: number
  readonly models: number
  readonly decisions: number
  readonly policy: Policy
  /** Whether nothing is known of the correlations. */
  readonly isNew?: boolean
  /** Whether matches of a decision leave each other's gains alone: the plan is then its own bound. */
  readonly isFree?: boolean
}

function decideRows(name: string, o: Decisions): BenchRow[] {
  const { devices, models, decisions, policy } = o
  const random = seededRandom(SEED)
  const fleet = drawFleet(random, devices, models)
  const known = new CorrelationMemo()
  const times: number[] = []
  const cpuTimes: number[] = []
  for (let decision = 0; decision < WARM_UP_DECISIONS + decisions; decision++) {
    const correlations = o.isNew ? new CorrelationMemo() : known
    const drawn = nextInputs(fleet, random, decision)
    const gain = { ...drawn.gain, countsMatched: !o.isFree }
    const inputs = { ...drawn, gain, correlations }
    const from = performance.now()
    const cpuFrom = process.cpuUsage()
    policy.propose(buildLatentGraph(inputs), { random })
    const { user, system } = process.cpuUsage(cpuFrom)
    if (decision < WARM_UP_DECISIONS) continue
    times.push(performance.now() - from)
    cpuTimes.push((user + system) / 1000)
  }
  return [timeRow(name, times), timeRow(`${name}.cpu`, cpuTimes)]
}

function timeRow(name: string, times: readonly number[]): BenchRow {
  const [low, high] = [Math.min(...times), Math.max(...times)]
  return { name, value: median(times), unit: 'ms', low, high, n: times.length }
}

function environmentRow(): BenchRow {
  const random = seededRandom(SEED)
  const env = new Environment(drawScenario(BALANCED, SEED))
  const { deviceCount, modelCount } = env.stage
  const rates: number[] = []
  for (let step = 0; step < ENVIRONMENT_STEPS; step++) {
    if (env.isOver) env.reset()
    const models = Int32Array.from({ length: deviceCount }, () => {
      return Math.floor(random() * (modelCount + 1)) - 1
    })
    const from = performance.now()
    env.step(models)
    rates.push(deviceCount / (performance.now() - from))
  }
  return { name: 'environment', value: median(rates), unit: 'decisions/ms', n: rates.length }
}

async function updatesRow(updates: number): Promise<BenchRow> {
  const training = await PolicyTraining.open(await loadOrt(), { seed: SEED, updates })
  try {
    const from = performance.now()
    while (!training.isOver) await training.advance()
    const seconds = (performance.now() - from) / 1000
    return { name: 'sac.updates', value: updates / seconds, unit: '1/s', n: updates }
  } finally {
    await training.release()
  }
}

function errorRows(pairs: number): BenchRow[] {
  const random = seededRandom(SEED)
  const [workloads, energies]: [number[], number[]] = [[], []]
  for (let pair = 0; pair < pairs; pair++) {
    const drawn = drawEnergyPair(random)
    const { workload } = energyAwareWorkload(drawn)
    const searched = searchedWorkload(drawn)
    workloads.push(Math.abs(workload - searched) / Math.max(1, searched))
    const frugal = { ...drawn, sensingJoulesPerSample: 0 }
    const plan = workload < 1 ? null : leastEnergyPlan(frugal, 0.7 * workload)
    if (plan) energies.push(plan.joules / searchedEnergy(frugal, 0.7 * workload) - 1)
  }
  const row = (name: string, errors: readonly number[]): BenchRow => ({
    name,
    value: Math.max(...errors.map(Math.abs)),
    unit: 'relative',
    n: errors.length,
  })
  return [row('workload.vs-solver.error', workloads), row('least-energy.vs-solver.error', energies)]
}
