import {
  allocateBy,
  diffusionCycleModel,
  powerModelFile,
} from '../../controller/power/cycle/cycle-model.ts'
import { gainSketch } from '../../controller/power/cycle/gain-sketch.ts'
import { VersionStore } from '../../controller/power/cycle/version-store.ts'
import { VirtuousCycle } from '../../controller/power/cycle/virtuous-cycle.ts'
import { POWER_SIZES, trainPowerModel } from '../../controller/power/power-diffusion.ts'
import { expertPairs } from '../../controller/power/power-pairs.ts'
import { fillStandardNormal, type Random, seededRandom } from '../../runtime/seeded-random.ts'
import { readForwardModel } from '../../training/forward/forward-graph.ts'
import type { Ort } from '../../training/trainer/ort-session.ts'
import { type PlayedRound, Player } from './play.ts'
import { CHANNELS } from './snr-rows.ts'

export interface CycleOptions {
  readonly budget: number
  readonly devices: number
  readonly updates: number
  readonly seed: number
  /** Where versions are kept. */
  readonly folder: string
}

/** Rounds of each trace. */
export interface Conditions {
  readonly before: readonly (readonly Float64Array[])[]
  readonly after: readonly (readonly Float64Array[])[]
}

export interface PlayedCycle {
  readonly rounds: readonly PlayedRound[]
  /** First round of the new conditions. */
  readonly changeCr: number
  /** Round after which a damaged version was put in place. */
  readonly damageCr: number
  readonly lies: number
}

const ROUNDS_BEFORE = 15
const ROUNDS_AFTER_TAKEOVER = 15
/** A round of twenty seconds each: training is over in the second. */
const ROUNDS_OF_TRAINING = 2
/** Without a takeover the play ends. */
const ROUNDS_MAX = 60
const ROUNDS_OF_DAMAGE_MAX = 10
const STEPS = 2
/** Of each parameter, of a version that should never serve. */
const DAMAGE = 0.5

/**
 * Devices that stand still, then drive: real signal to noise ratios, a model that has only seen the first.
 * One device lies all the time. At the end somebody puts a damaged version in place.
 */
export async function playCycle(
  ort: Ort,
  conditions: Conditions,
  o: CycleOptions,
): Promise<PlayedCycle> {
  const random = seededRandom(o.seed)
  const sizes = { channels: CHANNELS, ...POWER_SIZES, seed: o.seed }
  // Every second trace is learned from, the others are played.
  const learned = conditions.before.filter((_, trace) => trace % 2 === 0).flat()
  const known = joined(learned)
  const pairs = expertPairs({ gains: known, channels: CHANNELS, budget: o.budget })
  const { updates, seed } = o
  const first = powerModelFile(sizes, await trainPowerModel(ort, { sizes, pairs, updates, seed }))
  const store = await VersionStore.open(o.folder)
  await store.add(first, {
    parent: null,
    crId: 0,
    reason: 'gains of devices that stand still',
    rows: learned.length,
    sketch: [...gainSketch(known)],
    state: 'serving',
  })
  const options = { sizes, budget: o.budget, steps: STEPS, updates, seed }
  const cycle = new VirtuousCycle({
    store,
    model: diffusionCycleModel(ort, options),
    channels: CHANNELS,
    known: { gains: known, count: learned.length },
  })
  const allocate = (file: Uint8Array, rows: Parameters<typeof allocateBy>[3]) =>
    allocateBy(ort, options, file, rows)
  const player = new Player({ cycle, store, allocate, budget: o.budget, first, random })
  const damaged = () => powerModelFile(sizes, damagedParameters(first, random))
  return playAll({ cycle, player, conditions, random, devices: o.devices, damaged })
}

async function playAll(o: {
  readonly cycle: VirtuousCycle
  readonly player: Player
  readonly conditions: Conditions
  readonly random: Random
  readonly devices: number
  readonly damaged: () => Uint8Array
}): Promise<PlayedCycle> {
  const { cycle, player } = o
  const rounds: PlayedRound[] = []
  const still = o.conditions.before.filter((_, trace) => trace % 2 === 1)
  const walks = { before: walk(still, o), after: walk(o.conditions.after, o) }
  const play = async (of: keyof typeof walks): Promise<PlayedRound> => {
    const round = await player.play({ crId: rounds.length, gains: walks[of]() })
    rounds.push(round)
    return round
  }
  while (rounds.length < ROUNDS_BEFORE) await play('before')
  let rest = ROUNDS_AFTER_TAKEOVER
  for (let since = 0; rest > 0 && since < ROUNDS_MAX; since++) {
    const { events } = await play('after')
    if (since % ROUNDS_OF_TRAINING === 1) await cycle.settle()
    const hasTaken = events.some(({ type }) => type === 'taken-over')
    if (hasTaken || rest < ROUNDS_AFTER_TAKEOVER) rest--
  }
  await cycle.settle()
  const damageCr = rounds.length
  await cycle.install(damageCr, o.damaged(), 'by hand')
  for (let since = 0; since < ROUNDS_OF_DAMAGE_MAX; since++) {
    const { events } = await play('after')
    if (events.some(({ type }) => type === 'taken-back')) break
  }
  return { rounds, changeCr: ROUNDS_BEFORE, damageCr, lies: rounds.length }
}

/** Devices that each go through the traces from a place of their own, one round at a time. */
function walk(
  traces: readonly (readonly Float64Array[])[],
  { random, devices }: { readonly random: Random; readonly devices: number },
): () => readonly Float64Array[] {
  const all = traces.flat()
  const places = Array.from({ length: devices }, () => Math.floor(random() * all.length))
  return () =>
    places.map((place, device) => {
      places[device] = (place + 1) % all.length
      return all[place] ?? new Float64Array(CHANNELS)
    })
}

function damagedParameters(file: Uint8Array, random: Random): Float32Array {
  const { initialParameters } = readForwardModel(file)
  const noise = fillStandardNormal(new Float32Array(initialParameters.length), random)
  return initialParameters.map((value, place) => value + DAMAGE * (noise[place] ?? 0))
}

function joined(rows: readonly Float64Array[]): Float64Array {
  const gains = new Float64Array(rows.length * CHANNELS)
  for (const [place, row] of rows.entries()) gains.set(row, place * CHANNELS)
  return gains
}
