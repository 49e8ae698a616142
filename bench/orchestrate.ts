import { PolicyTraining } from '../controller/learn/policy-training.ts'
import { CorrelationMemo } from '../controller/orchestrate/correlation-memo.ts'
import { energyAwareWorkload, leastEnergyPlan } from '../controller/orchestrate/energy-workload.ts'
import { buildLatentGraph } from '../controller/orchestrate/latent-graph.ts'
import { exactDpPolicy } from '../controller/orchestrate/policies/exact-dp-policy.ts'
import { greedyGainPolicy } from '../controller/orchestrate/policies/greedy-gain-policy.ts'
import type { Policy } from '../controller/orchestrate/policies/policy.ts'
import { recedingDpPolicy } from '../controller/orchestrate/policies/receding-dp-policy.ts'
import { sacPolicies } from '../controller/orchestrate/policies/sac-policy.ts'
import { readPolicyFile } from '../controller/orchestrate/sac/policy-file.ts'
import { buildPolicyFile } from '../controller/orchestrate/sac/policy-networks.ts'
import { Environment } from '../controller/simulate/environment.ts'
import { drawScenario } from '../controller/simulate/scenario.ts'
import { BALANCED } from '../controller/simulate/scenario-options.ts'
import { seededRandom } from '../runtime/seeded-random.ts'
import { loadOrt } from '../training/trainer/ort-session.ts'
import type { Bench, BenchRow } from './bench-report.ts'
import { searchedEnergy, searchedWorkload } from './orchestrate/convex-search.ts'
import { drawEnergyPair } from './orchestrate/energy-pairs.ts'
import { drawFleet, nextInputs } from './orchestrate/fleet-inputs.ts'
import { median } from './training/paired-rounds.ts'

const SEED = 1
const SIZES = [
  { devices: 1000, models: 20, decisions: 15 },
  { devices: 10_000, models: 20, decisions: 7 },
] as const
const DECISIONS_QUICK = 3
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
    // Not trained: as many multiplications as what is.
    const [, guarded] = sacPolicies(readPolicyFile(buildPolicyFile(new Map())))
    for (const size of SIZES) {
      const name = `${size.devices}x${size.models}`
      const decisions = quick ? DECISIONS_QUICK : size.decisions
      const sized = { ...size, decisions }
      rows.push(decideRow(`decide.${name}`, { ...sized, policy: greedyGainPolicy }))
      rows.push(decideRow(`decide.${name}.receding-dp`, { ...sized, policy: recedingDpPolicy }))
      rows.push(decideRow(`decide.${name}.sac-guarded`, { ...sized, policy: guarded }))
      rows.push(decideRow(`decide.${name}.new-sketches`, { ...sized, policy: null }))
      rows.push(
        decideRow(`decide.${name}.bound`, { ...sized, policy: exactDpPolicy, isFree: true }),
      )
    }
    rows.push(environmentRow(), await updatesRow(quick ? UPDATES_QUICK : UPDATES))
    rows.push(...errorRows(quick ? PAIRS_QUICK : PAIRS))
    return {
      rows,
      notes: [
        'decide: latent graph and matching, from pools and sketches on; goals 50 ms for 1000 x 20, 600 ms for ' +
          '10000 x 20, greedy policy and receding-horizon DP alike, on one core',
        'new-sketches: the same with the greedy policy when every sketch of 256 bins changed since the last CR',
        'bound: exact plan of three rounds for each device as if it were alone',
        'sac.updates: of 256 transitions each, with the cells that are played for them, from the first on',
        'environment: decisions of one device in the simulator, 50 devices and 12 models',
        'workload.vs-solver: greatest difference beside a search over the convex program, relative',
      ],
    }
  },
}

interface Decisions {
  readonly devices: number
  readonly models: number
  readonly decisions: number
  /** null: the greedy policy on correlations that nothing is known of. */
  readonly policy: Policy | null
  /** Whether matches of a decision leave each other's gains alone: the plan is then its own bound. */
  readonly isFree?: boolean
}

function decideRow(name: string, o: Decisions): BenchRow {
  const { devices, models, decisions, policy } = o
  const random = seededRandom(SEED)
  const fleet = drawFleet(random, devices, models)
  const known = new CorrelationMemo()
  const times: number[] = []
  // The first decision is that of a controller that has just started.
  for (let decision = 0; decision <= decisions; decision++) {
    const correlations = policy === null ? new CorrelationMemo() : known
    const drawn = nextInputs(fleet, random, decision)
    const gain = { ...drawn.gain, countsMatched: !o.isFree }
    const inputs = { ...drawn, gain, correlations }
    const from = performance.now()
    ;(policy ?? greedyGainPolicy).propose(buildLatentGraph(inputs), { random })
    if (decision > 0) times.push(performance.now() - from)
  }
  return {
    name,
    value: median(times),
    unit: 'ms',
    low: Math.min(...times),
    high: Math.max(...times),
    n: times.length,
  }
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
