import { z } from 'zod'
import { type Matrix, MatrixCodec } from '../matrix.ts'
import type { Content } from '../messages.ts'
import { Urp } from '../urp.ts'

export type UrpContent = Content<'urp'>

/**
 * Five digits tell any half of IEEE 754 from its neighbours, so that a URP that was received comes
 * back from text as it was.
 */
const DIGITS = 5

/** A URP as text for people and scripts: its matrices as rows, one a slot. */
export function urpDocument(urp: UrpContent): Readonly<Record<string, unknown>> {
  const { frequency, computing, memory } = urp
  return {
    ...urp,
    frequency: frequency.map(pool => ({ ...pool, availability: rowsOf(pool.availability) })),
    computing: { ...computing, availability: rowsOf(computing.availability) },
    ...(memory?.availability
      ? { memory: { ...memory, availability: rowsOf(memory.availability) } }
      : {}),
  }
}

export function rowsOf({ rows, columns, values }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    [...values.subarray(row * columns, (row + 1) * columns)].map(value =>
      Number(value.toPrecision(DIGITS)),
    ),
  )
}

/** Rows as text has them to what the schema of the wire takes. */
const WireMatrix = z
  .array(z.array(z.number().min(0).max(1)).max(4096))
  .max(4096)
  .transform((rows, context) => {
    const columns = rows[0]?.length ?? 0
    if (rows.some(row => row.length !== columns)) {
      context.issues.push({ code: 'custom', message: 'rows of different length', input: rows })
      return z.NEVER
    }
    const values = Float32Array.from(rows.flat())
    return z.encode(MatrixCodec, { rows: rows.length, columns, values })
  })

const withMatrix = z.looseObject({ availability: WireMatrix })
const FromText = z.looseObject({
  frequency: z.array(withMatrix),
  computing: withMatrix,
  memory: z.looseObject({ availability: WireMatrix.optional() }).optional(),
})

const UrpInText = FromText.pipe(z.transform((value): unknown => value)).pipe(Urp)
const ContentInText = FromText.pipe(z.transform((value): unknown => value)).pipe(
  Urp.omit({ session: true, sequence: true, sentAt: true }),
)

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string }

/** A whole URP with its envelope, from the value of a JSON text. */
export function parseUrpDocument(value: unknown): Parsed<Urp> {
  return outcomeOf(UrpInText.safeParse(value))
}

/** The same where there may be no envelope, as `gainnet measure --json` prints it. */
export function parseUrpContent(value: unknown): Parsed<UrpContent> {
  const isSealed = typeof value === 'object' && value !== null && 'session' in value
  return isSealed ? parseUrpDocument(value) : outcomeOf(ContentInText.safeParse(value))
}

function outcomeOf<T>(parsed: z.ZodSafeParseResult<T>): Parsed<T> {
  if (parsed.success) return { ok: true, value: parsed.data }
  return { ok: false, reason: issueText(parsed.error) }
}

/** The first three: the others follow from them most of the time. */
export function issueText({ issues }: z.ZodError): string {
  return issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.') || 'document'}: ${message}`)
    .join('; ')
    .slice(0, 300)
}
