import { z } from 'zod'

/** Levels of a topic: Homie's alphabet, so that no id needs escaping anywhere. */
export const Id = z.string().regex(/^[a-z0-9-]{1,64}$/, 'use 1 to 64 of a-z, 0-9 and -')

/** SHA-256 of what is named, in hexadecimal. */
export const Hash = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hexadecimal')

export const Time = z.iso.datetime({ precision: 3 }).describe('UTC, ISO 8601, with milliseconds.')

/**
 * What every body carries. `session` grows by one with each start of a daemon and is stored before
 * CONNECT, so that a will which comes late is known to be of an older life (the bdSeq of Sparkplug
 * 3.0, 6.4.7). `sequence` grows with each message of the session; a message that is sent again
 * keeps both, by which the receiver knows it.
 */
export const envelope = {
  session: z.int().min(1),
  sequence: z.int().min(0),
  sentAt: Time,
}

export type Envelope = { session: number; sequence: number; sentAt: string }
