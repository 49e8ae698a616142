import { Decoder, Encoder } from 'cbor-x'
import { z } from 'zod'
import { GainnetError, messageOf } from '../runtime/errors.ts'
import { type Body, type BodyName, MESSAGES } from './messages.ts'

// Plain maps, no records and no shared structures: any CBOR decoder reads them (RFC 8949). A
// controller that was written in another language must be able to.
const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false })
const decoder = new Decoder({ useRecords: false, mapsAsObjects: true })

/** Largest body that is looked at; blocks of tensors are not bodies. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024

/** What is said of a body that does not fit; keys from outside may be of any length. */
const ISSUE_CHARACTERS_MAX = 300

/** Bodies that are not in memory what they are on the wire: they hold matrices. */
export const CODED_BODIES: ReadonlySet<BodyName> = new Set(['urp'])

/** Validates the body and turns it into the bytes of its encoding. */
export function encodeBody<Name extends BodyName>(name: Name, body: Body<Name>): Buffer {
  const { schema, encoding } = MESSAGES[name]
  const type = schema as z.ZodType<unknown, unknown>
  // Where there is nothing to encode parsing says the same, in a third of the time.
  const encoded = CODED_BODIES.has(name) ? z.safeEncode(type, body) : type.safeParse(body)
  if (!encoded.success) {
    throw new GainnetError('PROTOCOL_INVALID', `own ${name}: ${issueText(encoded.error)}`, { name })
  }
  return encoding === 'json'
    ? Buffer.from(JSON.stringify(encoded.data))
    : encoder.encode(encoded.data)
}

export type DecodedBody<Name extends BodyName> =
  | { readonly ok: true; readonly body: Body<Name> }
  | { readonly ok: false; readonly reason: string }

/** Bytes from outside to a body, or why not. Never throws. */
export function decodeBody<Name extends BodyName>(
  name: Name,
  bytes: Uint8Array,
): DecodedBody<Name> {
  if (bytes.length > BODY_BYTES_MAX) {
    return { ok: false, reason: `${bytes.length} bytes, at most ${BODY_BYTES_MAX}` }
  }
  const { schema, encoding } = MESSAGES[name]
  let value: unknown
  try {
    value =
      encoding === 'json'
        ? JSON.parse(Buffer.from(bytes).toString('utf8'))
        : decoder.decode(Buffer.from(bytes))
  } catch (error) {
    return {
      ok: false,
      reason: `not ${encoding}: ${messageOf(error)}`.slice(0, ISSUE_CHARACTERS_MAX),
    }
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) return { ok: false, reason: issueText(parsed.error) }
  // The schema of this row made the value; TypeScript cannot follow the lookup by name.
  return { ok: true, body: parsed.data as Body<Name> }
}

function issueText(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
    .join('; ')
    .slice(0, ISSUE_CHARACTERS_MAX)
}
