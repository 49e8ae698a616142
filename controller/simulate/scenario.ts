import { type Random, seededRandom, shuffle, standardNormal } from '../../runtime/seeded-random.ts'
import type {
  GraphDevice,
  GraphInputs,
  GraphModel,
  GraphSensor,
  LinkRates,
} from '../orchestrate/graph-inputs.ts'
import { CONTROL_SLOTS, type SlotPool } from '../orchestrate/slot-pool.ts'
import { dirichlet, drawnIndex, uniform } from './draws.ts'
import { distanceMetres, drawRide, type Place, placeAt, type Ride } from './manhattan-mobility.ts'
import type { ScenarioOptions } from './scenario-options.ts'
import { blockBits, type ChannelDraw, pathLossDb } from './umi-channel.ts'

/** Blocks of this side have class priors of their own, so that data differ from place to place. */
const CLASS_BLOCKS_PER_SIDE = 4
/** Share of a domain's target distribution that is uniform: no domain is without a class. */
const DOMAIN_UNIFORM_SHARE = 0.05
/** Weight of a domain's counts, beside which smoothing does not show. */
const DOMAIN_COUNT = 1e7

/** Everything that chance decides about a cell, once; what follows in time follows from it. */
export interface Scenario {
  readonly options: ScenarioOptions
  readonly seed: number
  readonly models: readonly GraphModel[]
  readonly servers: readonly { readonly link: string; readonly x: number; readonly y: number }[]
  readonly rides: readonly Ride[]
  readonly targetRides: readonly Ride[]
  readonly targetClasses: readonly number[]
  /** Wholly free URP of each vehicle in any CR. */
  readonly freshPools: readonly SlotPool[]
  /** Of vehicle n to server e: channels[n][e]. */
  readonly channels: readonly (readonly ChannelDraw[])[]
  readonly measured: MeasuredWorld
}

/** What was measured elsewhere and takes the place of a model; what is absent is modelled. */
export interface MeasuredWorld {
  /** Goodput of a link in a CR; undefined where the measurement has a hole. */
  readonly megabitsPerSecond?: (
    link: { readonly vehicle: number; readonly server: number },
    cr: number,
  ) => number | undefined
  /** Speed of a vehicle's processor beside the mean of all. */
  readonly relativeSpeed?: (vehicle: number) => number
}

export function drawScenario(
  options: ScenarioOptions,
  seed: number,
  measured: MeasuredWorld = {},
): Scenario {
  const random = seededRandom(seed)
  const rides = draw(options.vehicles, () => drawRide(random, options))
  const targetRides = draw(options.targets, () => drawRide(random, options))
  const targetClasses = drawClasses(random, options, targetRides)
  const servers = serverGrid(options)
  const models = drawModels(random, options, servers)
  const [slowest, fastest] = options.cyclesPerSecond
  const freshPools = Array.from({ length: options.vehicles }, (_, vehicle) => {
    const modelled = uniform(random, options.cyclesPerSecond)
    const relative = measured.relativeSpeed?.(vehicle)
    const cycles = relative === undefined ? modelled : (relative * (slowest + fastest)) / 2
    return freshPool(options, cycles)
  })
  const channels = draw(options.vehicles, () =>
    draw(servers.length, () => ({ sight: random(), shadowing: standardNormal(random) })),
  )
  const drawn = { models, servers, rides, targetRides, targetClasses, freshPools, channels }
  return { options, seed, measured, ...drawn }
}

function draw<T>(count: number, one: () => T): T[] {
  return Array.from({ length: count }, one)
}

function drawClasses(random: Random, options: ScenarioOptions, rides: readonly Ride[]): number[] {
  const side = CLASS_BLOCKS_PER_SIDE
  const priors = draw(side * side, () =>
    dirichlet(random, options.classes, options.classConcentration),
  )
  const blockOf = (metres: number): number =>
    Math.min(side - 1, Math.floor((metres / options.sideMetres) * side))
  return rides.map(ride => {
    const { x, y } = placeAt(ride, 0, options.sideMetres)
    return drawnIndex(random, priors[blockOf(x) * side + blockOf(y)] ?? [1])
  })
}

/** Servers in the middles of the cells of the smallest square grid that holds them. */
function serverGrid({ servers, sideMetres }: ScenarioOptions): Scenario['servers'] {
  const rows = Math.ceil(Math.sqrt(servers))
  const middle = (index: number): number => ((index + 0.5) * sideMetres) / rows
  return Array.from({ length: servers }, (_, index) => ({
    link: `edge-${index + 1}`,
    x: middle(index % rows),
    y: middle(Math.floor(index / rows)),
  }))
}

/** Each server hosts models of different domains; their kinds go round. */
function drawModels(
  random: Random,
  options: ScenarioOptions,
  servers: Scenario['servers'],
): GraphModel[] {
  const targets = draw(options.domains, () =>
    dirichlet(random, options.classes, options.classConcentration).map(
      share => (1 - DOMAIN_UNIFORM_SHARE) * share + DOMAIN_UNIFORM_SHARE / options.classes,
    ),
  )
  return servers.flatMap(({ link }, server) => {
    const hosted =
      Math.floor(options.models / servers.length) +
      (server < options.models % servers.length ? 1 : 0)
    const domains = Array.from({ length: options.domains }, (_, domain) => domain)
    shuffle(domains, random)
    return Array.from({ length: hosted }, (_, index) => {
      const kind = options.modelKinds[index % options.modelKinds.length]
      const domain = domains[index % domains.length] ?? 0
      if (kind === undefined) throw new RangeError('a scenario needs a kind of model')
      const sensorKinds = [kind.usesCamera ? 'camera' : '', kind.usesIsac ? 'isac' : '']
      const [sensorKind = 'camera', ...furtherSensorKinds] = sensorKinds.filter(Boolean)
      return {
        modelId: `${link}-m${index + 1}-d${domain + 1}`,
        value: kind.value,
        downloadBits: kind.payloadBits,
        uploadBits: kind.payloadBits,
        flopsPerSample: kind.cyclesPerSample,
        localEpochs: 1,
        absorbedSamples: 0,
        sensorKind,
        furtherSensorKinds,
        targetSketch: { counts: (targets[domain] ?? []).map(share => share * DOMAIN_COUNT) },
        link,
      }
    })
  })
}

function freshPool({ slots, slotSeconds, radio }: ScenarioOptions, cycles: number): SlotPool {
  const usable = (value: number): Float64Array =>
    Float64Array.from({ length: slots }, (_, slot) => (slot < CONTROL_SLOTS ? 0 : value))
  const usableSlots = slots - CONTROL_SLOTS
  return {
    slots,
    slotSeconds,
    blocks: usable(radio.blocks),
    flops: usable(cycles * slotSeconds),
    units: usable(1),
    blocksMax: radio.blocks * usableSlots,
    flopsMax: cycles * slotSeconds * usableSlots,
    // Links to several servers have rates of their own.
    downlinkBitsPerBlock: 0,
    uplinkBitsPerBlock: 0,
  }
}

/** CRs whose views and links a decision takes as its own: sensing now, links of the next. */
export interface When {
  readonly sensingCr: number
  readonly linkCr: number
}

/** Round r (from 0) as it will be: sensed in CR r, consumed in CR r + 1. */
export function inputsOfRound(scenario: Scenario, round: number, when?: When): GraphInputs {
  const { options, models } = scenario
  const { sensingCr, linkCr } = when ?? { sensingCr: round, linkCr: round + 1 }
  const secondsOf = (cr: number): number => cr * options.slots * options.slotSeconds
  const placesAt = (rides: readonly Ride[], cr: number): Place[] =>
    rides.map(ride => placeAt(ride, secondsOf(cr), options.sideMetres))
  const targets = placesAt(scenario.targetRides, sensingCr)
  const linkPlaces = placesAt(scenario.rides, linkCr)
  const devices = placesAt(scenario.rides, sensingCr).map((place, index): GraphDevice => {
    const pool = scenario.freshPools[index] as SlotPool
    return {
      agentId: `vehicle-${String(index + 1).padStart(2, '0')}`,
      pool,
      nextPool: pool,
      sensors: sensorsOf(scenario, place, targets),
      sketch: undefined,
      links: linksOf(scenario, { vehicle: index, place: linkPlaces[index] as Place, cr: linkCr }),
    }
  })
  return {
    crId: round,
    devices,
    models,
    gain: {
      effectiveSamplesPrior: options.effectiveSamples,
      exponent: options.exponent,
      smoothing: options.smoothing,
      countsMatched: false,
    },
    computeOverheadOf: () => 1,
    ...(options.consumptionSlotsMax === undefined
      ? {}
      : { consumptionSlotsMax: options.consumptionSlotsMax }),
  }
}

/** The camera looks ahead in a sector, the ISAC radio all around. */
function sensorsOf(
  { options, targetClasses }: Scenario,
  place: Place,
  targets: readonly Place[],
): GraphSensor[] {
  const { camera, isac, classes, slotSeconds } = options
  const inRange = (range: number): number[] => {
    const indices = targets.keys()
    return [...indices].filter(at => distanceMetres(place, targets[at] as Place) <= range)
  }
  const halfView = (camera.viewDegrees / 360) * Math.PI
  const seen = inRange(camera.rangeMetres).filter(
    index => Math.abs(bearing(place, targets[index] as Place)) <= halfView,
  )
  const figures = (sensor: string, ids: readonly number[], blocks: number) => ({
    sensor,
    kind: sensor,
    samplesPerSecond: ids.length / slotSeconds,
    bytesPerSecond: 0,
    dropShare: 0,
    resourceBlocks: blocks,
    sketch: { counts: histogram(ids, targetClasses, classes) },
    targetIds: ids,
  })
  const heard = inRange(isac.rangeMetres)
  return [
    {
      ...figures('camera', seen, 0),
      sensingClass: {
        samplesPerSnapshot: seen.length,
        snapshotsPerSlotMax: camera.framesPerSlot,
        blocksPerSnapshot: 0,
        flopsPerSample: camera.cyclesPerSample,
      },
    },
    {
      ...figures('isac', heard, isac.blocksPerSnapshot),
      sensingClass: {
        samplesPerSnapshot: heard.length,
        snapshotsPerSlotMax: Number.POSITIVE_INFINITY,
        blocksPerSnapshot: isac.blocksPerSnapshot,
        flopsPerSample: isac.cyclesPerSample,
      },
    },
  ]
}

/** Angle between the heading and a target, in (-π, π]. */
function bearing(place: Place, target: Place): number {
  const angle = Math.atan2(target.y - place.y, target.x - place.x) - place.heading
  return Math.atan2(Math.sin(angle), Math.cos(angle))
}

function histogram(ids: readonly number[], classOf: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const id of ids) counts[classOf[id] ?? 0] = (counts[classOf[id] ?? 0] ?? 0) + 1
  return counts
}

/** Links to the servers in reach. */
function linksOf(
  scenario: Scenario,
  { vehicle, place, cr }: { readonly vehicle: number; readonly place: Place; readonly cr: number },
): Map<string, LinkRates> {
  const { options, servers, channels, measured } = scenario
  const links = new Map<string, LinkRates>()
  for (const [server, { link, ...site }] of servers.entries()) {
    const metres = distanceMetres(place, site)
    const channel = channels[vehicle]?.[server]
    if (metres > options.connectMetres || channel === undefined) continue
    if (measured.megabitsPerSecond === undefined) {
      const loss = pathLossDb(metres, options.radio.carrierGhz, channel)
      links.set(link, blockBits(options, loss))
      continue
    }
    const rate = measured.megabitsPerSecond({ vehicle, server }, cr)
    if (rate === undefined) continue
    const bits = (rate * 1e6 * options.slotSeconds) / options.radio.blocks
    links.set(link, { downlinkBitsPerBlock: bits, uplinkBitsPerBlock: bits })
  }
  return links
}
