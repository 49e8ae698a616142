import { MAGIC, startsWithMagic, TOKEN_BYTES } from './probe-stream.ts'

/**
 * The probe port over UDP: MAGIC, type, then the fields of the type, little-endian. `open` carries
 * the token; the answer carries a session, which every later datagram from the same address carries.
 * Times are ms on the sender's monotonic clock. No answer is longer than its question but a train
 * that was asked for, which the bytes of the token bound (docs/reference/probe.md).
 */
export type ProbeDatagram =
  | { readonly type: 'open'; readonly token: Uint8Array }
  | { readonly type: 'opened'; readonly session: bigint }
  | {
      readonly type: 'echo'
      readonly session: bigint
      readonly sequence: number
      readonly sentAtMs: number
    }
  | {
      readonly type: 'echoed'
      readonly session: bigint
      readonly sequence: number
      readonly sentAtMs: number
      readonly receivedAtMs: number
      readonly returnedAtMs: number
      /** Echoes that arrived so far: what is missing was lost on the way up. */
      readonly receivedCount: number
    }
  | {
      readonly type: 'train'
      readonly session: bigint
      readonly train: number
      readonly index: number
      readonly sentAtMs: number
      /** Of this datagram, filler included. */
      readonly bytes: number
    }
  | {
      readonly type: 'trainAsk'
      readonly session: bigint
      readonly train: number
      readonly packets: number
      readonly bytes: number
    }
  | { readonly type: 'arrivalsAsk'; readonly session: bigint; readonly train: number }
  | {
      readonly type: 'arrivals'
      readonly session: bigint
      readonly train: number
      /** Of these the packets that arrived, thinned to what one datagram carries. */
      readonly received: number
      readonly arrivals: readonly TrainArrival[]
    }
  | { readonly type: 'close'; readonly session: bigint }

/**
 * When a packet of a train arrived, ms after the first, and how many had arrived before it: a bottleneck
 * that drops some still lets the others out at its rate.
 */
export interface TrainArrival {
  readonly rank: number
  readonly atMs: number
}

const TYPES = [
  'open',
  'opened',
  'echo',
  'echoed',
  'train',
  'trainAsk',
  'arrivalsAsk',
  'arrivals',
  'close',
] as const

/** Questions are filled up to it, so that no answer is longer than its question. */
const QUESTION_BYTES = 64
/** Fits a path of 1280 bytes (IPv6's least) with its headers. */
export const PACKET_BYTES = 1200
/** A question of 64 bytes for that many packets is the most that a token can buy at once. */
export const TRAIN_PACKETS_MAX = 2048
/** Arrivals that are told of a train: enough for a median of slopes. */
const ARRIVALS_TOLD = 128
/** Node.js reads a waiting datagram in less. */
const BATCH_MS = 0.03

const SESSION_AT = MAGIC.length + 1
const BODY_AT = SESSION_AT + 8
const ARRIVALS_AT = BODY_AT + 6
const ARRIVAL_BYTES = 6

export function encodeDatagram(datagram: ProbeDatagram): Buffer {
  const arrivals = datagram.type === 'arrivals' ? datagram.arrivals : []
  const size =
    datagram.type === 'train' ? datagram.bytes : ARRIVALS_AT + arrivals.length * ARRIVAL_BYTES
  const body = Buffer.alloc(Math.max(QUESTION_BYTES, size))
  body.set(MAGIC)
  body[MAGIC.length] = TYPES.indexOf(datagram.type)
  if (datagram.type === 'open') {
    body.set(datagram.token, SESSION_AT)
    return body
  }
  body.writeBigUInt64LE(datagram.session, SESSION_AT)
  writeFields(body, datagram)
  return body
}

function writeFields(body: Buffer, datagram: Exclude<ProbeDatagram, { type: 'open' }>): void {
  switch (datagram.type) {
    case 'echo':
      body.writeUInt32LE(datagram.sequence, BODY_AT)
      body.writeDoubleLE(datagram.sentAtMs, BODY_AT + 4)
      return
    case 'echoed':
      body.writeUInt32LE(datagram.sequence, BODY_AT)
      body.writeDoubleLE(datagram.sentAtMs, BODY_AT + 4)
      body.writeDoubleLE(datagram.receivedAtMs, BODY_AT + 12)
      body.writeDoubleLE(datagram.returnedAtMs, BODY_AT + 20)
      body.writeUInt32LE(datagram.receivedCount, BODY_AT + 28)
      return
    case 'train':
      body.writeUInt16LE(datagram.train, BODY_AT)
      body.writeUInt16LE(datagram.index, BODY_AT + 2)
      body.writeDoubleLE(datagram.sentAtMs, BODY_AT + 4)
      return
    case 'trainAsk':
      body.writeUInt16LE(datagram.train, BODY_AT)
      body.writeUInt16LE(datagram.packets, BODY_AT + 2)
      body.writeUInt16LE(datagram.bytes, BODY_AT + 4)
      return
    case 'arrivalsAsk':
      body.writeUInt16LE(datagram.train, BODY_AT)
      return
    case 'arrivals':
      body.writeUInt16LE(datagram.train, BODY_AT)
      body.writeUInt16LE(datagram.arrivals.length, BODY_AT + 2)
      body.writeUInt16LE(datagram.received, BODY_AT + 4)
      for (const [position, { rank, atMs }] of datagram.arrivals.entries()) {
        body.writeUInt16LE(rank, ARRIVALS_AT + position * ARRIVAL_BYTES)
        body.writeFloatLE(atMs, ARRIVALS_AT + position * ARRIVAL_BYTES + 2)
      }
      return
    case 'opened':
    case 'close':
  }
}

/** Undefined for what no peer of this protocol sends. */
export function decodeDatagram(bytes: Buffer): ProbeDatagram | undefined {
  if (bytes.length < QUESTION_BYTES || !startsWithMagic(bytes)) return undefined
  const type = TYPES[bytes[MAGIC.length] ?? TYPES.length]
  const session = bytes.readBigUInt64LE(SESSION_AT)
  switch (type) {
    case 'open':
      return { type, token: bytes.subarray(SESSION_AT, SESSION_AT + TOKEN_BYTES) }
    case 'opened':
    case 'close':
      return { type, session }
    case 'echo':
      return { type, session, ...echoOf(bytes) }
    case 'echoed':
      return {
        type,
        session,
        ...echoOf(bytes),
        receivedAtMs: bytes.readDoubleLE(BODY_AT + 12),
        returnedAtMs: bytes.readDoubleLE(BODY_AT + 20),
        receivedCount: bytes.readUInt32LE(BODY_AT + 28),
      }
    case 'train':
      return {
        type,
        session,
        train: bytes.readUInt16LE(BODY_AT),
        index: bytes.readUInt16LE(BODY_AT + 2),
        sentAtMs: bytes.readDoubleLE(BODY_AT + 4),
        bytes: bytes.length,
      }
    case 'trainAsk':
      return {
        type,
        session,
        train: bytes.readUInt16LE(BODY_AT),
        packets: bytes.readUInt16LE(BODY_AT + 2),
        bytes: bytes.readUInt16LE(BODY_AT + 4),
      }
    case 'arrivalsAsk':
      return { type, session, train: bytes.readUInt16LE(BODY_AT) }
    case 'arrivals':
      return {
        type,
        session,
        train: bytes.readUInt16LE(BODY_AT),
        received: bytes.readUInt16LE(BODY_AT + 4),
        arrivals: arrivalsOf(bytes),
      }
    default:
      return undefined
  }
}

function echoOf(bytes: Buffer): { readonly sequence: number; readonly sentAtMs: number } {
  return { sequence: bytes.readUInt32LE(BODY_AT), sentAtMs: bytes.readDoubleLE(BODY_AT + 4) }
}

/** As many as are said to be there and are. */
function arrivalsOf(bytes: Buffer): TrainArrival[] {
  const room = Math.floor((bytes.length - ARRIVALS_AT) / ARRIVAL_BYTES)
  const count = Math.min(bytes.readUInt16LE(BODY_AT + 2), room)
  return Array.from({ length: count }, (_, position) => {
    const at = ARRIVALS_AT + position * ARRIVAL_BYTES
    return { rank: bytes.readUInt16LE(at), atMs: bytes.readFloatLE(at + 2) }
  })
}

/**
 * What is told of a train. A receiver that wakes up late reads what had come in one go: of such a batch
 * only the last packet is taken, which arrived about when it was read. Of these every so many-th.
 */
export function thinned(arrivals: readonly TrainArrival[]): TrainArrival[] {
  const last = arrivals.length - 1
  const ends = arrivals.filter(
    ({ atMs }, index) => index === last || (arrivals[index + 1]?.atMs ?? 0) - atMs > BATCH_MS,
  )
  const step = Math.max(1, Math.ceil(ends.length / ARRIVALS_TOLD))
  return ends.filter((_, index) => (ends.length - 1 - index) % step === 0)
}
