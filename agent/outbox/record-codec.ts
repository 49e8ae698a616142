import { crc32 } from 'node:zlib'

/** `event` may be dropped first when space runs out; `status` is what rounds depend on. */
export type MessageClass = 'event' | 'status'

/** One message as it lies on disk and as it will go out; `index` counts every message ever taken. */
export interface OutboxRecord {
  readonly index: number
  readonly class: MessageClass
  readonly topic: string
  readonly payload: Uint8Array
}

/** Length and CRC-32 (IEEE 802.3) of what follows, both 32 bits little-endian. */
const HEADER_BYTES = 8
/** Index (64 bits), class (8 bits), length of the topic (16 bits). */
const FIXED_BYTES = 11
/** Larger lengths are damage: messages of this outbox are small, updates have their own store. */
export const RECORD_BYTES_MAX = 1024 * 1024

const CLASS_CODES = { event: 0, status: 1 } as const

export function recordBytes({ topic, payload }: Omit<OutboxRecord, 'index'>): number {
  return HEADER_BYTES + FIXED_BYTES + Buffer.byteLength(topic) + payload.length
}

export function encodeRecord(record: OutboxRecord): Buffer {
  const topic = Buffer.from(record.topic)
  const bodyBytes = FIXED_BYTES + topic.length + record.payload.length
  const bytes = Buffer.alloc(HEADER_BYTES + bodyBytes)
  bytes.writeUInt32LE(bodyBytes, 0)
  bytes.writeBigUInt64LE(BigInt(record.index), HEADER_BYTES)
  bytes.writeUInt8(CLASS_CODES[record.class], HEADER_BYTES + 8)
  bytes.writeUInt16LE(topic.length, HEADER_BYTES + 9)
  topic.copy(bytes, HEADER_BYTES + FIXED_BYTES)
  bytes.set(record.payload, HEADER_BYTES + FIXED_BYTES + topic.length)
  bytes.writeUInt32LE(checksum(bytes, bodyBytes), 4)
  return bytes
}

/** The records up to the first that is torn or damaged, and how many bytes they take. */
export function decodeRecords(bytes: Buffer): { records: OutboxRecord[]; goodBytes: number } {
  const records: OutboxRecord[] = []
  let offset = 0
  for (;;) {
    const record = decodeRecord(bytes.subarray(offset))
    if (!record) return { records, goodBytes: offset }
    records.push(record)
    offset += recordBytes(record)
  }
}

function decodeRecord(bytes: Buffer): OutboxRecord | null {
  if (bytes.length < HEADER_BYTES + FIXED_BYTES) return null
  const bodyBytes = bytes.readUInt32LE(0)
  if (bodyBytes < FIXED_BYTES || bodyBytes > RECORD_BYTES_MAX) return null
  if (bytes.length < HEADER_BYTES + bodyBytes) return null
  if (bytes.readUInt32LE(4) !== checksum(bytes, bodyBytes)) return null
  const topicAt = HEADER_BYTES + FIXED_BYTES
  const payloadAt = topicAt + bytes.readUInt16LE(HEADER_BYTES + 9)
  return {
    index: Number(bytes.readBigUInt64LE(HEADER_BYTES)),
    class: bytes.readUInt8(HEADER_BYTES + 8) === CLASS_CODES.event ? 'event' : 'status',
    topic: bytes.toString('utf8', topicAt, payloadAt),
    payload: bytes.subarray(payloadAt, HEADER_BYTES + bodyBytes),
  }
}

/** Over length and body: a tail of zeros, which a power cut leaves, does not pass. */
function checksum(bytes: Buffer, bodyBytes: number): number {
  const ofLength = crc32(bytes.subarray(0, 4))
  return crc32(bytes.subarray(HEADER_BYTES, HEADER_BYTES + bodyBytes), ofLength)
}
