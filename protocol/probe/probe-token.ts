import { z } from 'zod'
import { envelope, Id } from '../envelope.ts'

/** Asks for the right to make one probe at the controller's probe port. */
export const TokenAsk = z.strictObject({
  ...envelope,
  id: z.int().min(0),
  kind: z.enum(['tcp', 'udp']),
  direction: z.enum(['down', 'up', 'both']).describe('Seen from the agent.'),
  bytes: z
    .int()
    .min(1)
    .max(2 ** 40)
    .describe('That the probe may take, at most.'),
  durationMs: z.int().min(1).max(20_000).describe('That the probe may take, at most.'),
  linkGroup: Id.describe('Agents behind one uplink name the same group.'),
})
export type TokenAsk = z.infer<typeof TokenAsk>

/** One probe, or why not now. */
export const TokenTell = z.strictObject({
  ...envelope,
  id: z.int().min(0),
  status: z.enum(['granted', 'refused']),
  token: z.string().max(64).optional().describe('base64url, good once.'),
  host: z.string().max(255).optional().describe("Absent: the broker's."),
  port: z.int().min(1).max(65_535).optional(),
  startInMs: z.number().nonnegative().optional().describe('From now: clocks need not agree.'),
  bytesMax: z.int().positive().optional().describe('May be less than was asked for.'),
  reason: z.string().max(300).optional(),
  retryInMs: z.number().nonnegative().optional(),
})
export type TokenTell = z.infer<typeof TokenTell>
