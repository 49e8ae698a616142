import { z } from 'zod'

/** Bytes of one row: a picture of 1 megapixel in float32 is as large as a row may be. */
export const ROW_BYTES_MAX = 4 * 2 ** 20

/** What one row of a sensor is: the same for all its rows, and what models are matched by. */
export const RowForm = z
  .strictObject({
    element: z.enum(['uint8', 'float32']),
    shape: z
      .array(z.int().min(1).max(ROW_BYTES_MAX))
      .max(6)
      .describe('[] one value, [64] a profile, [1, 48, 64] a picture: channels, height, width.'),
  })
  .refine(form => rowBytesOf(form) <= ROW_BYTES_MAX, `a row has ${ROW_BYTES_MAX} bytes at most`)
  .readonly()
export type RowForm = z.infer<typeof RowForm>

const ELEMENT_BYTES = { uint8: 1, float32: 4 } as const

type Form = { readonly element: 'uint8' | 'float32'; readonly shape: readonly number[] }

/** Values of one row. */
export function rowElements({ shape }: Pick<Form, 'shape'>): number {
  return shape.reduce((product, size) => product * size, 1)
}

export function rowBytesOf(form: Form): number {
  return rowElements(form) * ELEMENT_BYTES[form.element]
}

export function isSameForm(a: Form, b: Form): boolean {
  return (
    a.element === b.element &&
    a.shape.length === b.shape.length &&
    a.shape.every((size, axis) => size === b.shape[axis])
  )
}

/** 'uint8', 'float32[64]', 'float32[1x48x64]': for people. */
export function formText({ element, shape }: Form): string {
  return shape.length === 0 ? element : `${element}[${shape.join('x')}]`
}
