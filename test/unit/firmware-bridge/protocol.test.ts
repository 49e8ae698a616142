import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PAYLOAD_BYTES_MAX } from '../../../firmware-bridge/frame-codec.ts'
import { decodeFields, encodeFields, fixedBytes } from '../../../firmware-bridge/protocol/layout.ts'
import { EVENTS, REPLY_BIT, REQUESTS } from '../../../firmware-bridge/protocol/messages.ts'
import { protocolHeader } from '../../../firmware-bridge/protocol/protocol-header.ts'
import { protocolPage } from '../../../firmware-bridge/protocol/protocol-page.ts'
import { ROOT } from '../../support/root.ts'

describe('the table of messages', () => {
  test.each([
    ['firmware-bridge/firmware/core/protocol.h', protocolHeader],
    ['docs/reference/firmware-protocol.md', protocolPage],
  ])('%s is made from it', (path, made) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(made())
  })

  test('every type is of one message, and leaves the bit of replies free', () => {
    const types = [...Object.values(REQUESTS), ...Object.values(EVENTS)].map(({ type }) => type)
    expect(new Set(types).size).toBe(types.length)
    expect(types.filter(type => (type & REPLY_BIT) !== 0)).toEqual([])
  })

  test('every message fits a frame', () => {
    const layouts = Object.values(REQUESTS).flatMap(({ request, reply }) => [request, reply])
    for (const layout of layouts) expect(fixedBytes(layout)).toBeLessThan(PAYLOAD_BYTES_MAX)
  })
})

describe('a layout', () => {
  const values = {
    firstIndex: 7,
    firstMicros: 2 ** 40 + 1,
    periodMicros: 1000,
    channel: 1,
    values: Int16Array.of(-32_768, 0, 32_767),
  }

  test('gives back what was written', () => {
    const payload = encodeFields(EVENTS.samples.fields, values)
    expect(decodeFields(EVENTS.samples.fields, payload)).toEqual(values)
  })

  test('of another length is none', () => {
    const payload = encodeFields(EVENTS.samples.fields, values)
    expect(decodeFields(EVENTS.samples.fields, payload.subarray(0, 16))).toBeNull()
    expect(decodeFields(EVENTS.heartbeat.fields, new Uint8Array(10))).toBeNull()
  })
})
