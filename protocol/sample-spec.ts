import { z } from 'zod'
import { RowForm } from './row-form.ts'

const WINDOW_ROWS_MAX = 2 ** 17

/** What a sample is compared with. */
const SampleLabels = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none').describe('Nothing: the loss needs no labels.') }),
  z.strictObject({
    kind: z.literal('class').describe('The class of its rows, which all have the same.'),
    classes: z.int().min(1).max(65_536),
  }),
  z.strictObject({
    kind: z.literal('rows').describe('The last rows of its window.'),
    rows: z.int().min(1).max(WINDOW_ROWS_MAX),
    element: z.enum(['int32', 'float32']),
  }),
])

/** How samples are cut from the rows of a sensor. */
export const SampleSpec = z.strictObject({
  form: RowForm,
  windowRows: z.int().min(1).max(WINDOW_ROWS_MAX).describe('Consecutive rows of a sample.'),
  strideRows: z.int().min(1).max(WINDOW_ROWS_MAX).describe('From one sample to the next.'),
  inputRows: z
    .int()
    .min(1)
    .max(WINDOW_ROWS_MAX)
    .describe('Of the window, from its first row on, what the model sees.'),
  inputElement: z.enum(['int32', 'float32']),
  rowsPerSecond: z
    .number()
    .positive()
    .optional()
    .describe('Rate of the rows that it learns from; that of the sensor when absent or lower.'),
  rowsLast: z.boolean().describe('Rows are the last axis of an input, not the first.'),
  scaling: z
    .strictObject({
      means: z.array(z.number()).min(1).max(1024),
      deviations: z.array(z.number().positive()).min(1).max(1024),
    })
    .optional()
    .describe('(x - mean) / deviation, of each value of a row, or one for all.'),
  labels: SampleLabels,
})
export type SampleSpec = z.infer<typeof SampleSpec>

/** Rows that make so many samples, where none of them is left out. */
export function rowsFor(
  { windowRows, strideRows }: Pick<SampleSpec, 'windowRows' | 'strideRows'>,
  sampleCount: number,
): number {
  return sampleCount < 1 ? 0 : (sampleCount - 1) * strideRows + windowRows
}
