import { MESSAGES, type MessageName } from '../../protocol/messages.ts'
import { filterFor } from '../../protocol/topics.ts'
import { type Random, seededRandom } from '../../runtime/seeded-random.ts'

export interface Rubbish {
  readonly kind: string
  readonly bytes: Buffer
}

const DEEP = 200_000

/** What a broken or hostile peer might send in place of a message; the seed is in the kind. */
export function rubbish(seed: number): readonly Rubbish[] {
  const random = seededRandom(seed)
  const text = (kind: string, value: string): Rubbish => ({ kind, bytes: Buffer.from(value) })
  const cbor = (kind: string, ...bytes: number[]): Rubbish => ({ kind, bytes: Buffer.from(bytes) })
  return [
    { kind: `random bytes of seed ${seed}`, bytes: randomBytes(random, 300) },
    text('JSON null', 'null'),
    text('JSON array', '[]'),
    text('JSON of another shape', '{"session":"one","sequence":-1,"a":[{"b":null}]}'),
    text('only an envelope', '{"session":1,"sequence":0,"sentAt":"2026-01-01T00:00:00.000Z"}'),
    text('JSON with a prototype', '{"__proto__":{"state":"ready"},"constructor":{}}'),
    text('torn JSON', '{"session":1,"seq'),
    text('deep JSON', '['.repeat(DEEP)),
    text('many unknown keys', `{${keys(20_000)}}`),
    { kind: 'deep CBOR arrays', bytes: Buffer.alloc(DEEP, 0x81) },
    { kind: 'deep CBOR maps', bytes: Buffer.from('a16161'.repeat(DEEP), 'hex') },
    { kind: 'deep CBOR tags', bytes: Buffer.alloc(DEEP, 0xc6) },
    // RFC 8949, 3.1: array, map and byte string of the lengths that follow.
    cbor('CBOR array of 2^32 - 1 items', 0x9a, 0xff, 0xff, 0xff, 0xff),
    cbor('CBOR array of 2^24 items', 0x9a, 0x01, 0x00, 0x00, 0x00, 0x00),
    cbor('CBOR map of 2^31 entries', 0xba, 0x80, 0x00, 0x00, 0x00, 0x61, 0x61),
    cbor('CBOR bytes of 2^40', 0x5b, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00),
    { kind: 'nested giant arrays', bytes: Buffer.from('9a00ffffff'.repeat(2000), 'hex') },
  ]
}

/** Less than the broker's bound for a packet, more than any body may have. */
export function hugeRubbish(): Rubbish {
  return { kind: 'five megabytes', bytes: Buffer.alloc(5_000_000, '{"a":') }
}

/** The topics of every row for these parameters, and whether a message there is retained. */
export function everyTopic(
  site: string,
  parameters: Readonly<Record<string, string>>,
): { readonly name: MessageName; readonly topic: string; readonly retain: boolean }[] {
  return (Object.keys(MESSAGES) as MessageName[]).map(name => ({
    name,
    // Every level is given, so that the filter is a topic.
    topic: filterFor(site, name, parameters),
    retain: MESSAGES[name].retain,
  }))
}

function randomBytes(random: Random, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)))
}

function keys(count: number): string {
  return Array.from({ length: count }, (_, index) => `"key${index}":${index}`).join(',')
}
