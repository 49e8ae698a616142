import { PAYLOAD_BYTES_MAX } from '../frame-codec.ts'
import type { Field } from './layout.ts'
import { EVENTS, PROTOCOL_VERSION, REFUSAL, REPLY_BIT, REQUESTS, STATUS } from './messages.ts'

/** docs/reference/firmware-protocol.md */
export function protocolPage(): string {
  const requests = Object.entries(REQUESTS).map(
    ([name, { type, meaning, request, reply }]) =>
      `### ${name}, ${hex(type)}\n\n${meaning}\n\nRequest: ${fieldsText(request)}` +
      `Reply: ${fieldsText(reply)}`,
  )
  const events = Object.entries(EVENTS).map(
    ([name, { type, meaning, fields }]) =>
      `### ${name}, ${hex(type)}\n\n${meaning}\n\nPayload: ${fieldsText(fields)}`,
  )
  const statuses = Object.entries(STATUS).map(([name, value]) => `| ${value} | ${name} |`)
  return `# Protocol between host and firmware

Version ${PROTOCOL_VERSION}. This page is made from the table in \`firmware-bridge/protocol/messages.ts\`, from which the
C header of the firmware is made too.

## Frames

    0       1           2            2+n
    ├ type ─┼ sequence ─┼ payload … ─┼ crc16 ┤     on the wire: COBS of this, then 00

Integers are little-endian. The checksum is CRC-16/IBM-3740 (polynomial 1021, initial value ffff) over type,
sequence and payload. A payload has at most ${PAYLOAD_BYTES_MAX} bytes. COBS (Cheshire and Baker 1999) removes every zero, so
that a zero always ends a frame: after noise the next frame is found at once.

A reply has the type of its request with bit ${hex(REPLY_BIT)} set and the same sequence. A request that the board does
not carry out is answered with type ${hex(REFUSAL)}: the request's type and a status, one byte each. Events come by
themselves; their sequence counts up, so that a lost one is seen.

| status | meaning |
|---|---|
${statuses.join('\n')}

## Requests

${requests.join('\n')}
## Events

${events.join('\n')}`
    .trimEnd()
    .concat('\n')
}

function fieldsText(fields: readonly Field[]): string {
  if (fields.length === 0) return 'nothing.\n\n'
  const rows = fields.map(
    ({ name, kind, meaning }) => `| \`${name}\` | ${KIND_WORDS[kind]} | ${meaning} |`,
  )
  return `\n\n| field | as | meaning |\n|---|---|---|\n${rows.join('\n')}\n\n`
}

const KIND_WORDS: Readonly<Record<Field['kind'], string>> = {
  u8: 'u8',
  u16: 'u16',
  u32: 'u32',
  u64: 'u64',
  text: '16 bytes of ASCII',
  id: '12 bytes',
  bytes: 'bytes, the rest',
  i16s: 'i16 each, the rest',
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`
}
