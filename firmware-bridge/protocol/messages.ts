import { decodeFields, encodeFields, type Field, field, type Values } from './layout.ts'

/** Grows when an old host or an old board could no longer understand the other. */
export const PROTOCOL_VERSION = 1

/** A reply has the type of its request and this bit. */
export const REPLY_BIT = 0x80
/** A request that the board does not carry out is answered with this type and a status. */
export const REFUSAL = 0xff

/** Why a board refuses; 0 is for replies that only confirm. */
export const STATUS = {
  ok: 0,
  'unknown request': 1,
  'wrong length': 2,
  'value out of range': 3,
  'not configured': 4,
  'self-test failed': 5,
} as const

/** Slots that one start may name: a communication round has fewer. */
export const SLOTS_MAX = 512

const statusOnly = [field('status', 'u8', '0: it is done')] as const

/**
 * What host and board say to each other, a row a message: the C header of the firmware and
 * docs/reference/firmware-protocol.md are made from this table.
 */
export const REQUESTS = {
  identify: request(0x01, 'Who are you?', {
    request: [],
    reply: [
      field('protocolVersion', 'u8', 'of this table'),
      field('firmwareVersion', 'u32', 'major, minor, patch, each 8 bits, above 8 zero bits'),
      field('board', 'text', 'name of the board layer'),
      field('uniqueId', 'id', 'of the microcontroller'),
      field('channels', 'u8', 'sensor channels'),
      field('rateMilliHzMax', 'u32', 'fastest rate of a channel'),
      field('ringSamples', 'u16', 'samples that wait for the line at most'),
    ],
  }),
  configure: request(0x02, 'Sample this channel at this rate.', {
    request: [
      field('channel', 'u8', ''),
      field('rateMilliHz', 'u32', 'samples per 1000 s'),
      field('samplesPerFrame', 'u8', '1 to 120'),
    ],
    reply: statusOnly,
  }),
  start: request(0x03, 'Sample in these slots.', {
    request: [
      field('startMicros', 'u64', 'start of slot 0 on the clock of the board; 0 is now'),
      field('slotMicros', 'u32', 'length of a slot; 0 samples until it is stopped'),
      field('slotCount', 'u16', `at most ${SLOTS_MAX}`),
      field('slots', 'bytes', 'a bit a slot, the lowest bit of the first byte is slot 0'),
    ],
    reply: statusOnly,
  }),
  stop: request(0x04, 'Sample no more.', { request: [], reply: statusOnly }),
  time: request(0x05, 'What time is it? (four time stamps, RFC 5905, 8)', {
    request: [field('t1', 'u64', 'on the clock of the host')],
    reply: [
      field('t1', 'u64', 'as asked'),
      field('t2', 'u64', 'when the request was whole, on the clock of the board'),
      field('t3', 'u64', 'when the reply was made, on the clock of the board'),
    ],
  }),
  selfTest: request(0x06, 'Are you well?', {
    request: [],
    reply: [
      field('status', 'u8', '0, or self-test failed'),
      field('failed', 'u16', 'a bit a part: 0 checksum, 1 stuffing, 2 ring, 3 clock, 4 sensor'),
      field('durationMicros', 'u32', ''),
    ],
  }),
  statistics: request(0x07, 'What have you counted since the start?', {
    request: [],
    reply: [
      field('uptimeMillis', 'u32', ''),
      field('framesReceived', 'u32', 'sound ones'),
      field('framesSent', 'u32', ''),
      field('checksumErrors', 'u32', ''),
      field('stuffingErrors', 'u32', ''),
      field('truncated', 'u32', 'frames shorter than a frame can be'),
      field('overruns', 'u32', 'bytes without an end'),
      field('receiveLost', 'u32', 'bytes that came faster than they were read'),
      field('samplesTaken', 'u32', ''),
      field('samplesDropped', 'u32', 'because the ring was full'),
      field('resets', 'u32', 'by the watchdog'),
    ],
  }),
} as const

export const EVENTS = {
  heartbeat: event(0x41, 'Sent twice a second, whatever happens.', [
    field('uptimeMillis', 'u32', ''),
    field('isSampling', 'u8', ''),
    field('samplesDropped', 'u32', ''),
  ]),
  samples: event(0x42, 'Consecutive samples of one channel.', [
    field('firstIndex', 'u32', 'of the first sample, counted since the start was commanded'),
    field('firstMicros', 'u64', 'when it was taken, on the clock of the board'),
    field('periodMicros', 'u32', 'from one sample to the next'),
    field('channel', 'u8', ''),
    field('values', 'i16s', ''),
  ]),
} as const

export type RequestName = keyof typeof REQUESTS
export type EventName = keyof typeof EVENTS
export type RequestValues<Name extends RequestName> = Values<(typeof REQUESTS)[Name]['request']>
export type ReplyValues<Name extends RequestName> = Values<(typeof REQUESTS)[Name]['reply']>
export type EventValues<Name extends EventName> = Values<(typeof EVENTS)[Name]['fields']>

export function encodeRequest<Name extends RequestName>(
  name: Name,
  values: RequestValues<Name>,
): Uint8Array {
  return encodeFields(REQUESTS[name].request, values)
}

/** Null where the payload is not that of such a reply. */
export function decodeReply<Name extends RequestName>(
  name: Name,
  payload: Uint8Array,
): ReplyValues<Name> | null {
  // Decoded by the layout of this reply.
  return decodeFields(REQUESTS[name].reply, payload) as ReplyValues<Name> | null
}

export function decodeEvent<Name extends EventName>(
  name: Name,
  payload: Uint8Array,
): EventValues<Name> | null {
  // Decoded by the layout of this event.
  return decodeFields(EVENTS[name].fields, payload) as EventValues<Name> | null
}

function request<const Request extends readonly Field[], const Reply extends readonly Field[]>(
  type: number,
  meaning: string,
  layouts: { readonly request: Request; readonly reply: Reply },
): {
  readonly type: number
  readonly meaning: string
  readonly request: Request
  readonly reply: Reply
} {
  return { type, meaning, ...layouts }
}

function event<const Fields extends readonly Field[]>(
  type: number,
  meaning: string,
  fields: Fields,
): { readonly type: number; readonly meaning: string; readonly fields: Fields } {
  return { type, meaning, fields }
}
