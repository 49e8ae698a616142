import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CODED_BODIES, decodeBody, encodeBody } from '../../../protocol/body-codec.ts'
import { cellOf, fromHalf, matrixOf, toHalf } from '../../../protocol/matrix.ts'
import { MessageSealer } from '../../../protocol/message-sealer.ts'
import { type BodyName, MESSAGES } from '../../../protocol/messages.ts'

const envelope = { session: 3, sequence: 7, sentAt: '2024-03-01T12:00:00.000Z' }
const state = { ...envelope, state: 'ready' } as const

describe('bodies', () => {
  test('a JSON body is text that a person can read', () => {
    expect(JSON.parse(encodeBody('agentState', state).toString())).toEqual(state)
    expect(decodeBody('agentState', encodeBody('agentState', state))).toEqual({
      ok: true,
      body: state,
    })
  })

  test('a bitmap in CBOR is the same bytes afterwards', () => {
    const sha256 = 'a'.repeat(64)
    const wanted = Uint8Array.of(1, 128)
    const ack = { ...envelope, grId: 4, sha256, status: 'wanted', wanted } as const
    const decoded = decodeBody('updateAck', encodeBody('updateAck', ack))
    expect(decoded.ok && [...(decoded.body.wanted ?? [])]).toEqual([1, 128])
  })

  test('coded are those whose schema has another form on the wire, and no others', () => {
    const form = (schema: z.ZodType, io: 'input' | 'output'): unknown =>
      z.toJSONSchema(schema, { io, unrepresentable: 'any' })
    const coded = Object.entries(MESSAGES).flatMap(([name, { schema }]) => {
      const isSame = !schema || isDeepStrictEqual(form(schema, 'input'), form(schema, 'output'))
      return isSame ? [] : [name]
    })
    expect(coded).toEqual([...CODED_BODIES])
  })

  test('what does not fit its own schema is not sent', () => {
    const wrong = { ...state, sentAt: 'yesterday' }
    expect(() => encodeBody('agentState', wrong)).toThrow('own agentState: sentAt')
  })

  test('the reason does not grow with what was sent', () => {
    const unknown = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`key-${index}`.padEnd(100, 'x'), index]),
    )
    const decoded = decodeBody('agentState', Buffer.from(JSON.stringify({ ...state, ...unknown })))
    expect(decoded.ok || decoded.reason).toMatch(/^body: Unrecognized keys: "key-0x/)
    expect(decoded.ok || decoded.reason.length).toBe(300)
  })

  test('the sealer counts the messages of its session', () => {
    const clock = { now: () => 0, at: () => ({ cancel: () => {} }) }
    const sealer = new MessageSealer({ session: 5, clock })
    const envelopes = [1, 2].map(() => sealer.seal('agentState', { state: 'init' }).envelope)
    expect(envelopes).toEqual([
      { session: 5, sequence: 0, sentAt: '1970-01-01T00:00:00.000Z' },
      { session: 5, sequence: 1, sentAt: '1970-01-01T00:00:00.000Z' },
    ])
  })

  const names: BodyName[] = ['agentState', 'urp', 'updateManifest', 'assignment', 'crClock']
  test.each(names)('rubbish for %s is a reason, never an exception', name => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const decoded = decodeBody(name, bytes)
        expect(decoded.ok).toBe(false)
      }),
    )
  })
})

describe('half precision', () => {
  test('every half there is survives being a number', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromHalf(half)
      if (!Number.isNaN(value)) expect(toHalf(value)).toBe(half)
    }
  })

  test('availability is off by at most half a step of a half', () => {
    fc.assert(
      fc.property(fc.float({ min: 0, max: 1, noNaN: true }), value => {
        expect(Math.abs(fromHalf(toHalf(value)) - value)).toBeLessThanOrEqual(2 ** -12)
      }),
    )
  })

  test('a matrix is row-major', () => {
    const matrix = matrixOf(2, 3, (row, column) => row * 10 + column)
    expect(cellOf(matrix, 1, 2)).toBe(12)
    expect(() => cellOf(matrix, 2, 0)).toThrow('no cell 2, 0')
  })
})
