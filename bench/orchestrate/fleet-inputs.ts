import type {
  GraphDevice,
  GraphInputs,
  GraphModel,
  GraphSensor,
} from '../../controller/orchestrate/graph-inputs.ts'
import { CONTROL_SLOTS, type SlotPool } from '../../controller/orchestrate/slot-pool.ts'
import type { Random } from '../../runtime/seeded-random.ts'

const SLOTS = 10
const SLOT_SECONDS = 0.5
const BLOCKS = 10
const BINS = 256
/** Bins that the text of one domain uses. */
const BINS_USED = 90

/** Every so many devices and models, one senses by radio, which takes blocks of its pool. */
const RADIO_EVERY = 3
const RADIO_BLOCKS = 3

/** A fleet as the controller sees it once the URPs are read: pools, sensors, sketches of 256 bins. */
export interface Fleet {
  readonly devices: readonly GraphDevice[]
  readonly models: readonly GraphModel[]
}

export function drawFleet(random: Random, devices: number, models: number): Fleet {
  const domains = Array.from({ length: 8 }, () => drawSketch(random))
  const domain = (): number[] => domains[Math.floor(random() * domains.length)] ?? []
  return {
    devices: Array.from({ length: devices }, (_, index): GraphDevice => {
      const pool = drawPool(random)
      return {
        agentId: `agent-${index}`,
        pool,
        nextPool: pool,
        sensors: drawSensors(random, index),
        sketch: { counts: domain().map(count => Math.floor(count * (0.5 + random()))) },
      }
    }),
    models: Array.from({ length: models }, (_, index) => ({
      modelId: `model-${index}`,
      value: 0.5 + 0.5 * random(),
      downloadBits: 1e6 + 4e6 * random(),
      uploadBits: 1e6 + 4e6 * random(),
      flopsPerSample: 1e7 + 5e7 * random(),
      localEpochs: 1,
      absorbedSamples: Math.floor(500 * random()),
      sensorKind: index % RADIO_EVERY === 2 ? 'spectrum' : 'text-folder',
      targetSketch: { counts: domain() },
    })),
  }
}

function drawSensors(random: Random, device: number): GraphSensor[] {
  const draw = (sensor: string, kind: string, resourceBlocks: number): GraphSensor => ({
    sensor,
    kind,
    samplesPerSecond: 5 + 60 * random(),
    bytesPerSecond: 0,
    dropShare: 0,
    resourceBlocks,
  })
  const notes = draw('notes', 'text-folder', 0)
  if (device % RADIO_EVERY !== 0) return [notes]
  return [notes, draw('radio', 'spectrum', RADIO_BLOCKS)]
}

/** The same fleet one CR later: other pools, and sketches that arrived anew with the same counts. */
export function nextInputs(fleet: Fleet, random: Random, crId: number): GraphInputs {
  const devices = fleet.devices.map(device => {
    const pool = drawPool(random)
    const sketch = { counts: [...(device.sketch?.counts ?? [])] }
    return { ...device, pool, nextPool: pool, sketch }
  })
  return {
    crId,
    devices,
    models: fleet.models,
    gain: { effectiveSamplesPrior: 50, exponent: 0.35, smoothing: 0.05 },
    computeOverheadOf: () => 2,
  }
}

function drawSketch(random: Random): number[] {
  const counts = new Array<number>(BINS).fill(0)
  for (let bin = 0; bin < BINS_USED; bin++) {
    counts[32 + bin] = Math.floor(2000 * random() ** 3)
  }
  return counts
}

function drawPool(random: Random): SlotPool {
  const row = (draw: () => number): Float64Array =>
    Float64Array.from({ length: SLOTS }, (_, slot) => (slot < CONTROL_SLOTS ? 0 : draw()))
  const flopsPerSlot = (2e9 + 8e9 * random()) * SLOT_SECONDS
  const usable = SLOTS - CONTROL_SLOTS
  return {
    slots: SLOTS,
    slotSeconds: SLOT_SECONDS,
    blocks: row(() => Math.floor((BLOCKS + 1) * random())),
    flops: row(() => flopsPerSlot * (0.3 + 0.7 * random())),
    units: row(() => 1),
    blocksMax: BLOCKS * usable,
    flopsMax: flopsPerSlot * usable,
    downlinkBitsPerBlock: 2e5 + 6e5 * random(),
    uplinkBitsPerBlock: 1e5 + 4e5 * random(),
  }
}
