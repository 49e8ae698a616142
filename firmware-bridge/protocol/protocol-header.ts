import { PAYLOAD_BYTES_MAX } from '../frame-codec.ts'
import { type Field, fixedBytes, hasRest } from './layout.ts'
import {
  EVENTS,
  PROTOCOL_VERSION,
  REFUSAL,
  REPLY_BIT,
  REQUESTS,
  SLOTS_MAX,
  STATUS,
} from './messages.ts'

/** The table of messages as the firmware includes it. */
export function protocolHeader(): string {
  const requests = Object.entries(REQUESTS).flatMap(([name, { type, request, reply }]) => [
    define(`GN_${constantOf(name)}`, hex(type)),
    ...sizesOf(`GN_${constantOf(name)}`, request),
    ...sizesOf(`GN_${constantOf(name)}_REPLY`, reply),
  ])
  const events = Object.entries(EVENTS).flatMap(([name, { type, fields }]) => [
    define(`GN_${constantOf(name)}`, hex(type)),
    ...sizesOf(`GN_${constantOf(name)}`, fields),
  ])
  const statuses = Object.entries(STATUS).map(([name, value]) => {
    return define(`GN_STATUS_${constantOf(name)}`, String(value))
  })
  return [
    '/* Made from firmware-bridge/protocol/messages.ts by write-protocol.ts: do not edit. */',
    '#ifndef GN_PROTOCOL_H',
    '#define GN_PROTOCOL_H',
    '',
    define('GN_PROTOCOL_VERSION', String(PROTOCOL_VERSION)),
    define('GN_PAYLOAD_BYTES_MAX', String(PAYLOAD_BYTES_MAX)),
    define('GN_REPLY_BIT', hex(REPLY_BIT)),
    define('GN_REFUSAL', hex(REFUSAL)),
    define('GN_SLOTS_MAX', String(SLOTS_MAX)),
    '',
    ...requests,
    '',
    ...events,
    '',
    ...statuses,
    '',
    '#endif',
    '',
  ].join('\n')
}

/** Of the fields before the one that takes the rest. */
function sizesOf(name: string, layout: readonly Field[]): string[] {
  return [define(`${name}_BYTES${hasRest(layout) ? '_MIN' : ''}`, String(fixedBytes(layout)))]
}

function define(name: string, value: string): string {
  return `#define ${name} ${value}`
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`
}

function constantOf(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[ -]/g, '_')
    .toUpperCase()
}
