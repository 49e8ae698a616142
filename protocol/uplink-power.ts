import { z } from 'zod'

/**
 * How a device should share out its transmit power over the resource blocks of its uplink: advice, for
 * few radios can be told so exactly, and none is ever told to leave the bounds of its regulator.
 */
export const UplinkPower = z.strictObject({
  method: z.enum(['even', 'water-filling']),
  reason: z.string().max(200).describe('Why this method, for people.'),
  shares: z
    .array(z.number().min(0).max(1))
    .min(1)
    .max(512)
    .describe('Of each resource block; 1 in all, or less where the caps of the blocks hold less.'),
  snrDb: z.number().min(-60).max(120).describe('Of the uplink as it was measured.'),
  changeDb: z
    .number()
    .min(-30)
    .max(30)
    .describe('What the power in all may change from the one that was measured with.'),
})
export type UplinkPower = z.infer<typeof UplinkPower>

/** What an agent made of it. */
export const UplinkPowerUse = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('applied'), powerDbm: z.number() }),
  z.strictObject({ status: z.literal('advice'), reason: z.string().max(200) }),
])
export type UplinkPowerUse = z.infer<typeof UplinkPowerUse>
