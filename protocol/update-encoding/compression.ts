import { z } from 'zod'
import { UPDATE_ENCODINGS } from './encodings.ts'

/** How an update is to be made smaller. */
export const UpdateCompression = z.strictObject({
  encoding: z.enum(UPDATE_ENCODINGS),
  topShare: z.number().positive().max(1).describe('Share of the values that top-k keeps.'),
})
export type UpdateCompression = z.infer<typeof UpdateCompression>

/** Of an order that says nothing of it. */
export const NO_COMPRESSION: UpdateCompression = { encoding: 'float32', topShare: 1 }
