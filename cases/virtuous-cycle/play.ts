import { type ChannelRows, sumRate } from '../../controller/power/channel-gains.ts'
import type { VersionStore } from '../../controller/power/cycle/version-store.ts'
import type {
  CycleEvent,
  PowerReport,
  VirtuousCycle,
} from '../../controller/power/cycle/virtuous-cycle.ts'
import { averagePower, waterFill } from '../../controller/power/water-filling.ts'
import { type Random, standardNormal } from '../../runtime/seeded-random.ts'
import { CHANNELS } from './snr-rows.ts'

/** Rates of a round, summed over its honest devices: whoever lies has itself to blame. */
export interface PlayedRound {
  readonly crId: number
  readonly model: number
  /** What the first version would have got. */
  readonly first: number
  readonly even: number
  readonly best: number
  readonly version: string
  readonly events: readonly CycleEvent[]
}

/** Powers of the rows by the model of a file. */
export type Allocate = (file: Uint8Array, rows: ChannelRows) => Promise<Float64Array>

export const LIAR = 'device-0'
/** It reports its gains a thousand times too large. */
const LIE = 1000
/** Goodput beside the rate that the gains allow: coding and the protocol take some, deviation in nats. */
const GOODPUT_DEVIATION = 0.2

export interface RoundInputs {
  readonly crId: number
  /** True gains of each device. */
  readonly gains: readonly Float64Array[]
}

/** Plays rounds: the serving version allocates by what is reported, and the goodput goes back. */
export class Player {
  readonly #cycle: VirtuousCycle
  readonly #store: VersionStore
  readonly #allocate: Allocate
  readonly #budget: number
  readonly #first: Uint8Array
  readonly #random: Random

  constructor(o: {
    readonly cycle: VirtuousCycle
    readonly store: VersionStore
    readonly allocate: Allocate
    readonly budget: number
    readonly first: Uint8Array
    readonly random: Random
  }) {
    this.#cycle = o.cycle
    this.#store = o.store
    this.#allocate = o.allocate
    this.#budget = o.budget
    this.#first = o.first
    this.#random = o.random
  }

  async play({ crId, gains }: RoundInputs): Promise<PlayedRound> {
    const version = this.#store.serving?.version ?? ''
    const told = gains.map((row, device) =>
      nameOf(device) === LIAR ? row.map(gain => LIE * gain) : row,
    )
    const powers = await this.#allocate(await this.#store.file(version), rowsOf(told, this.#budget))
    const reports = told.map((row, device): PowerReport => {
      const given = rowOf(powers, device)
      const rate = sumRate(gains[device] ?? row, given)
      const achievedRate = rate * Math.exp(GOODPUT_DEVIATION * standardNormal(this.#random))
      return { agentId: nameOf(device), gains: row, powers: given, achievedRate }
    })
    const events = await this.#cycle.observe(crId, reports)
    const honest = gains.filter((_, device) => nameOf(device) !== LIAR)
    const truth = rowsOf(honest, this.#budget)
    const rate = (all: Float64Array) => sumRate(truth.gains, all)
    const given = told.flatMap((_, device) =>
      nameOf(device) === LIAR ? [] : [...rowOf(powers, device)],
    )
    return {
      crId,
      model: rate(Float64Array.from(given)),
      first: rate(await this.#allocate(this.#first, truth)),
      even: rate(averagePower(truth)),
      best: rate(waterFill(truth)),
      version,
      events,
    }
  }
}

function nameOf(device: number): string {
  return `device-${device}`
}

function rowsOf(gains: readonly Float64Array[], budget: number): ChannelRows {
  const all = new Float64Array(gains.length * CHANNELS)
  for (const [device, row] of gains.entries()) all.set(row, device * CHANNELS)
  return { gains: all, channels: CHANNELS, budget }
}

function rowOf(values: Float64Array, row: number): Float64Array {
  return values.slice(row * CHANNELS, (row + 1) * CHANNELS)
}
