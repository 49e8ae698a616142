import { type Row, resampled, serialDriver } from './serial-driver.ts'
import { type Look, StreamDecoder } from './stream-decoder.ts'

// Report of the HLK-LD2410 (Hi-Link, serial communication protocol V1.02, 2.3), little-endian:
//
//   0             4        6      7    8                                  -2   -1
//   ├ f4 f3 f2 f1 ┼ length ┼ type ┼ aa ┼ target … (gates, only type 01) … ┼ 55 ┼ 00 ┼ f8 f7 f6 f5 ┤
//
// `length` counts from type to the 00.
const HEADER = Buffer.from([0xf4, 0xf3, 0xf2, 0xf1])
const FOOTER = Buffer.from([0xf8, 0xf7, 0xf6, 0xf5])
const COMMAND_HEADER = Buffer.from([0xfd, 0xfc, 0xfb, 0xfa])
const COMMAND_FOOTER = Buffer.from([0x04, 0x03, 0x02, 0x01])
const BODY_BYTES_MAX = 64
const BASIC_BYTES = 13
const GATES_MAX = 9

export interface Presence {
  /** Bit 0 moving, bit 1 standing. */
  readonly target: 'none' | 'moving' | 'standing' | 'moving and standing'
  readonly movingMetres: number
  /** 0 to 100. */
  readonly movingEnergy: number
  readonly standingMetres: number
  readonly standingEnergy: number
  readonly detectionMetres: number
  /** Energy of each distance gate of 0.75 m; only in engineering mode. */
  readonly movingGates?: readonly number[]
  readonly standingGates?: readonly number[]
}

export function ld2410Decoder(): StreamDecoder<Presence> {
  return new StreamDecoder({ look: lookForReport, messageBytesMax: BODY_BYTES_MAX + 10 })
}

function lookForReport(bytes: Buffer): Look<Presence> {
  const isAnswer = bytes[0] === COMMAND_HEADER[0]
  const [header, footer] = isAnswer ? [COMMAND_HEADER, COMMAND_FOOTER] : [HEADER, FOOTER]
  const compared = Math.min(bytes.length, header.length)
  if (!bytes.subarray(0, compared).equals(header.subarray(0, compared))) return noiseOf(bytes)
  if (bytes.length < 6) return { is: 'unfinished' }
  const bodyBytes = bytes.readUInt16LE(4)
  const dropped = (reason: string): Look<never> => ({ is: 'dropped', bytes: header.length, reason })
  if (bodyBytes > BODY_BYTES_MAX) return dropped('length')
  const end = 6 + bodyBytes
  if (bytes.length < end + footer.length) return { is: 'unfinished' }
  if (!bytes.subarray(end, end + footer.length).equals(footer)) return dropped('footer')
  const taken = end + footer.length
  if (isAnswer) return { is: 'other', bytes: taken, name: 'answer to a command' }
  const reading = presenceOf(bytes.subarray(6, end))
  return typeof reading === 'string'
    ? dropped(reading)
    : { is: 'reading', bytes: taken, name: 'presence', reading }
}

function noiseOf(bytes: Buffer): Look<never> {
  const next = bytes.findIndex(
    (byte, at) => at > 0 && (byte === HEADER[0] || byte === COMMAND_HEADER[0]),
  )
  return { is: 'noise', bytes: next < 0 ? bytes.length : next }
}

const TARGETS = ['none', 'moving', 'standing', 'moving and standing'] as const

/** Or what is wrong with the report. */
function presenceOf(body: Buffer): Presence | string {
  if (body.length < BASIC_BYTES) return 'report too short'
  const type = body[0]
  if (body[1] !== 0xaa || body[body.length - 2] !== 0x55) return 'marks of the report'
  const target = TARGETS[body.readUInt8(2)]
  if (target === undefined) return 'target state'
  const gates = type === 1 ? gatesOf(body) : {}
  if (typeof gates === 'string') return gates
  return {
    target,
    movingMetres: body.readUInt16LE(3) / 100,
    movingEnergy: body.readUInt8(5),
    standingMetres: body.readUInt16LE(6) / 100,
    standingEnergy: body.readUInt8(8),
    detectionMetres: body.readUInt16LE(9) / 100,
    ...gates,
  }
}

/** Greatest gate of each kind, then the energy of gate 0 to that one. */
function gatesOf(body: Buffer): Pick<Presence, 'movingGates' | 'standingGates'> | string {
  const [moving = 0, standing = 0] = body.subarray(11, 13)
  const counts = [moving + 1, standing + 1] as const
  const end = 13 + counts[0] + counts[1]
  if (counts.some(count => count > GATES_MAX) || end + 2 > body.length) return 'count of gates'
  return {
    movingGates: [...body.subarray(13, 13 + counts[0])],
    standingGates: [...body.subarray(13 + counts[0], end)],
  }
}

const GATE_METRES = 0.75

export const LD2410 = serialDriver({
  senses: 'presence, by radar',
  baudRate: 256_000,
  decoder: ld2410Decoder,
  rowMeaning:
    'energy over distance in 100, the first half of what moves, the second of what stands: by gates of 0.75 m, or in basic mode one figure in its gate',
  rows: count => reading => energyRow(reading, count),
})

function energyRow(reading: Presence, count: number): Row {
  const { movingGates, movingMetres, movingEnergy } = reading
  const { standingGates, standingMetres, standingEnergy } = reading
  const half = Math.ceil(count / 2)
  const row = new Float32Array(count)
  row.set(resampled(movingGates ?? inGate(movingMetres, movingEnergy), half))
  row.set(resampled(standingGates ?? inGate(standingMetres, standingEnergy), count - half), half)
  return row.map(energy => energy / 100)
}

function inGate(metres: number, energy: number): readonly number[] {
  const gate = Math.min(GATES_MAX - 1, Math.floor(metres / GATE_METRES))
  return Array.from({ length: GATES_MAX }, (_, index) => (index === gate ? energy : 0))
}
