import { GainnetError } from '../../runtime/errors.ts'

/** Numbers of a data file in the order of the file, the last axis fastest. */
export interface DataArray {
  readonly shape: readonly number[]
  readonly values: DataValues
}

export type DataValues =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array

/** More elements than this do not fit one JavaScript array buffer of float32 everywhere. */
const ELEMENTS_MAX = 2 ** 30

/** How many elements a stated shape has; fails where it is no shape, or too large to be meant. */
export function checkedCount(shape: readonly number[], file: string): number {
  const count = shape.reduce((product, size) => product * size, 1)
  if (shape.every(size => Number.isSafeInteger(size) && size >= 0) && count <= ELEMENTS_MAX) {
    return count
  }
  refuseData(file, `states the shape [${shape.join(', ')}]`)
}

export function refuseData(file: string, why: string): never {
  throw new GainnetError('DATA_INVALID', `${file} ${why}`, { file })
}
