import { POWER_SIZES } from '../controller/power/power-diffusion.ts'
import { PowerSampler } from '../controller/power/power-sampler.ts'
import { waterFill } from '../controller/power/water-filling.ts'
import { seededRandom } from '../runtime/seeded-random.ts'
import { readForwardModel } from '../training/forward/forward-graph.ts'
import { buildChannelDenoiser } from '../training/models/diffusion/channel-denoiser.ts'
import { loadOrt } from '../training/trainer/ort-session.ts'
import type { Bench, BenchRow } from './bench-report.ts'
import { median } from './training/paired-rounds.ts'

const SEED = 1
const DEVICES = 1000
const CHANNELS = 20
const BUDGET = 0.2
/** Of the budget: channels reach it now and then. */
const CAP = 0.1
/** Each of so many allocations of both kinds. */
const ROUNDS = 40
const ROUNDS_QUICK = 8
const ALLOCATIONS = 15
/** The goals are those of the samplers' two passes. */
const STEPS = 2

/** The learned allocation of many devices in one run, beside water-filling one after the other. */
export const power: Bench = {
  name: 'power',
  description: 'power of 1000 devices on 20 channels, denoised in one run and by water-filling',
  minutes: 1,
  async run({ quick }) {
    const rounds = quick ? ROUNDS_QUICK : ROUNDS
    const rows = [
      await allocateRow({ steps: STEPS, hasCaps: false, rounds }),
      await allocateRow({ steps: 1, hasCaps: false, rounds }),
      await allocateRow({ steps: 6, hasCaps: false, rounds }),
      await allocateRow({ steps: STEPS, hasCaps: true, rounds }),
    ]
    return {
      rows,
      notes: [
        'allocate.1000x20: from gains to powers with two passes of the network, one thread; goal at most 5 times ' +
          'the time of plain water-filling in typed arrays, which is a ratio of at least 0.2',
        'water-filling is exact as well: a controller uses it wherever devices do not disturb each other',
        'caps: no channel above a tenth of the budget, exact for both',
        'CPU time, so that others on the machine do not count: medians of rounds of 15 allocations in turns; ' +
          'low and high: least and most of the denoising',
      ],
    }
  },
}

async function allocateRow(o: {
  readonly steps: number
  readonly hasCaps: boolean
  readonly rounds: number
}): Promise<BenchRow> {
  const random = seededRandom(SEED)
  const gains = Float64Array.from({ length: DEVICES * CHANNELS }, () => 1 + 6 * random())
  const caps = new Float64Array(gains.length).fill(CAP * BUDGET)
  const rows = { gains, channels: CHANNELS, budget: BUDGET, ...(o.hasCaps ? { caps } : {}) }
  // Not trained: as many multiplications as what is.
  const sizes = { channels: CHANNELS, ...POWER_SIZES, seed: SEED }
  const { initialParameters: parameters } = readForwardModel(buildChannelDenoiser(sizes))
  const sampler = await PowerSampler.open(await loadOrt(), { sizes, parameters, ...o })
  const [learned, exact]: [number[], number[]] = [[], []]
  try {
    // The first round warms up.
    for (let round = -1; round < o.rounds; round++) {
      const denoising = await cpuMsOf(() => sampler.allocate(rows, random))
      const filling = await cpuMsOf(async () => waterFill(rows))
      if (round < 0) continue
      learned.push(denoising)
      exact.push(filling)
    }
  } finally {
    await sampler.release()
  }
  const ending = `${o.steps === STEPS ? '' : `.steps-${o.steps}`}${o.hasCaps ? '.caps' : ''}`
  return {
    name: `allocate.${DEVICES}x${CHANNELS}${ending}`,
    value: median(learned),
    unit: 'ms',
    reference: 'water-filling',
    referenceValue: median(exact),
    ratio: median(exact) / median(learned),
    low: Math.min(...learned),
    high: Math.max(...learned),
    n: o.rounds,
  }
}

/** Of one allocation. */
async function cpuMsOf(allocate: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let count = 0; count < ALLOCATIONS; count++) await allocate()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / ALLOCATIONS
}
