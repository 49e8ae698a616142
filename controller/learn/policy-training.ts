import { seededRandom } from '../../runtime/seeded-random.ts'
import { SacLearner } from '../../training/sac/sac-learner.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import type { CandidateBatch } from '../orchestrate/sac/candidates.ts'
import { buildPolicyFile, buildPolicyNetworks } from '../orchestrate/sac/policy-networks.ts'
import { type Choose, rollOut } from './roll-out.ts'
import { drawTrainingCell } from './training-cells.ts'

/** A cell has some 200 transitions, and an update looks at 256: each is looked at some 13 times. */
const UPDATES_PER_CELL = 10
/** Cells that are played before the first update. */
const CELLS_AHEAD = 10
/** More is never remembered at once: 190 MB. 6,000 updates fill 120,000. */
const CAPACITY_MAX = 200_000
const TRANSITIONS_PER_CELL_MAX = 210

/** α falls geometrically; networks begin as a policy of the first. */
const TEMPERATURES = { first: 0.01, last: 0.0005 }
const LEARNING_RATE = 3e-4
/** How far the actor of the file follows the one that learns, at each cell. */
const AVERAGE_RATE = 0.02
const ACTOR = 'actor.'
const AVERAGE = 'average.'

export interface PolicyTrainingOptions {
  readonly seed: number
  /** In all, those before a checkpoint among them: temperatures depend on it. */
  readonly updates: number
}

/** Where a training stands: what was learned, and what was chosen in each cell so far. */
export interface PolicyCheckpoint extends PolicyTrainingOptions {
  readonly updateCount: number
  readonly states: Readonly<Record<string, Float32Array>>
  /** [cell][round][device]: place among the candidates. A cell itself follows from the seed. */
  readonly choices: readonly (readonly Int8Array[])[]
}

export interface TrainingProgress {
  readonly updateCount: number
  readonly cells: number
  readonly temperature: number
  readonly criticLoss: number
  readonly entropy: number
}

/**
 * Trains the policy of `sac-policy.ts` in simulated cells. Equal seeds and numbers of updates give
 * equal bits, however often a training was stopped and taken up again.
 */
export class PolicyTraining {
  readonly options: PolicyTrainingOptions
  readonly #learner: SacLearner
  readonly #choices: (readonly Int8Array[])[] = []
  /** Of the actor's parameters by their names in the file: steadier than any of its steps. */
  #average: ReadonlyMap<string, Float32Array>

  private constructor(options: PolicyTrainingOptions, learner: SacLearner) {
    this.options = options
    this.#learner = learner
    this.#average = partOf(learner.checkpoint().states, ACTOR)
  }

  static async open(ort: Ort, options: PolicyTrainingOptions): Promise<PolicyTraining> {
    const cells = CELLS_AHEAD + Math.ceil(options.updates / UPDATES_PER_CELL)
    const rate = { actor: LEARNING_RATE, critic: LEARNING_RATE, temperature: 1e-9 }
    const learner = await SacLearner.open(ort, {
      ...buildPolicyNetworks(options.seed),
      capacity: Math.min(CAPACITY_MAX, cells * TRANSITIONS_PER_CELL_MAX),
      seed: options.seed,
      settings: {
        batch: 256,
        // Rounds are few and their number is a feature: nothing is discounted.
        discount: 1,
        targetRate: 0.005,
        learningRates: rate,
        initialTemperature: TEMPERATURES.first,
      },
    })
    return new PolicyTraining(options, learner)
  }

  /** Goes on where another one stood: plays its cells again as it did, and takes what it had learned. */
  async restore({ updateCount, states, choices }: PolicyCheckpoint): Promise<void> {
    for (const [cell, rounds] of choices.entries()) {
      let round = 0
      await this.#play(cell, () => rounds[round++] ?? [])
    }
    this.#learner.restore({ updateCount, states })
    this.#average = partOf(states, AVERAGE)
  }

  get updateCount(): number {
    return this.#learner.updateCount
  }

  get isOver(): boolean {
    return this.#learner.updateCount >= this.options.updates
  }

  /** Plays a cell, and makes the updates that belong to it. */
  async advance(): Promise<TrainingProgress> {
    const learner = this.#learner
    const wanted = CELLS_AHEAD + Math.floor(learner.updateCount / UPDATES_PER_CELL) + 1
    while (this.#choices.length < wanted) await this.#explore(this.#choices.length)
    const share = learner.updateCount / this.options.updates
    const { first, last } = TEMPERATURES
    const temperature = first * (last / first) ** share
    learner.setTemperature(temperature)
    const count = Math.min(UPDATES_PER_CELL, this.options.updates - learner.updateCount)
    const told = await learner.update(count)
    this.#follow()
    return {
      updateCount: learner.updateCount,
      cells: this.#choices.length,
      temperature,
      criticLoss: meanOf(told.criticLoss0),
      entropy: meanOf(told.entropy),
    }
  }

  checkpoint(): PolicyCheckpoint {
    const { updateCount, states } = this.#learner.checkpoint()
    const average = Array.from(this.#average, ([name, values]) => [AVERAGE + name, values] as const)
    const all = { ...states, ...Object.fromEntries(average) }
    return { ...this.options, updateCount, states: all, choices: [...this.#choices] }
  }

  /** The policy as it stands, as a file: the mean actor, and the target critics, which are means too. */
  policyFile(): Uint8Array {
    const { states } = this.#learner.checkpoint()
    const critics = [partOf(states, 'target.0.'), partOf(states, 'target.1.')]
    return buildPolicyFile(new Map([...this.#average, ...critics.flatMap(one => [...one])]))
  }

  async release(): Promise<void> {
    await this.#learner.release()
  }

  #follow(): void {
    const now = partOf(this.#learner.checkpoint().states, ACTOR)
    this.#average = new Map(
      Array.from(this.#average, ([name, values]) => {
        const newer = now.get(name) ?? values
        const moved = values.map((value, at) => value + AVERAGE_RATE * ((newer[at] ?? 0) - value))
        return [name, moved] as const
      }),
    )
  }

  /** Plays a cell as the policy draws its actions. */
  async #explore(cell: number): Promise<void> {
    const random = seededRandom(this.options.seed ^ Math.imul(cell + 1, 0x85ebca6b))
    await this.#play(cell, ({ features, mask }: CandidateBatch) =>
      this.#learner.choose({ features, mask }, random),
    )
  }

  async #play(cell: number, choose: Choose): Promise<void> {
    const drawn = drawTrainingCell(this.options.seed, cell)
    const played = await rollOut(drawn, choose, one => this.#learner.remember(one))
    this.#choices.push(played)
  }
}

/** Parameters by their names in the file, without the optimizer's slots beside them. */
function partOf(
  states: Readonly<Record<string, Float32Array>>,
  part: string,
): ReadonlyMap<string, Float32Array> {
  return new Map(
    Object.entries(states).flatMap(([name, values]) => {
      const isOf = name.startsWith(part) && /\.(?:weight|bias)$/.test(name)
      return isOf ? [[name.slice(part.length), values] as const] : []
    }),
  )
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
