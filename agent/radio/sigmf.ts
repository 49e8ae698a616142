import { z } from 'zod'
import { GainnetError } from '../../runtime/errors.ts'
import type { SampleFormatName } from './sample-formats.ts'

/** core:datatype of the formats that we read (SigMF 1.2.0, dataset format). */
const DATATYPES: Readonly<Record<string, SampleFormatName>> = {
  cu8: 'cu8',
  ci8: 'cs8',
  ci16_le: 'cs16',
  cf32_le: 'cf32',
}

/** The part of a recording's metadata that tells what its samples mean; more is allowed, and left. */
const SigmfMeta = z.object({
  global: z.object({
    'core:version': z.string().max(100),
    'core:datatype': z.string().max(100),
    'core:sample_rate': z.number().positive().max(1e12).optional(),
    'core:num_channels': z.int().min(1).optional(),
  }),
  captures: z
    .array(
      z.object({
        'core:sample_start': z.int().min(0),
        'core:frequency': z.number().optional(),
      }),
    )
    .max(100_000),
})

export interface SigmfRecording {
  readonly format: SampleFormatName
  readonly rateHz: number | undefined
  /** Of the first capture. */
  readonly frequencyHz: number | undefined
}

/** DATA_INVALID with the place, where the text is no metadata of a recording that can be read. */
export function parseSigmfMeta(text: string, path: string): SigmfRecording {
  const fail = (why: string, cause?: unknown): GainnetError =>
    new GainnetError('DATA_INVALID', `${path}: ${why}`, { path }, { cause })
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw fail('is no JSON', cause)
  }
  const parsed = SigmfMeta.safeParse(document)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw fail(`${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { global, captures } = parsed.data
  const datatype = global['core:datatype']
  const format = Object.hasOwn(DATATYPES, datatype) ? DATATYPES[datatype] : undefined
  if (!format) {
    const known = Object.keys(DATATYPES).join(', ')
    throw fail(`core:datatype ${datatype} is none of ${known}`)
  }
  if ((global['core:num_channels'] ?? 1) > 1) throw fail('holds more than one channel')
  return {
    format,
    rateHz: global['core:sample_rate'],
    frequencyHz: captures[0]?.['core:frequency'],
  }
}
