import { checkedCount, type DataArray, type DataValues, refuseData } from './array.ts'

interface Element {
  readonly bytes: number
  read(view: DataView, count: number, offset: number): DataValues
}

/** The third byte of the magic number; all numbers are big-endian. */
const ELEMENTS: Readonly<Record<number, Element>> = {
  8: {
    bytes: 1,
    read: (view, count, at) => new Uint8Array(view.buffer, view.byteOffset + at, count),
  },
  9: {
    bytes: 1,
    read: (view, count, at) => new Int8Array(view.buffer, view.byteOffset + at, count),
  },
  11: {
    bytes: 2,
    read: (view, count, at) =>
      Int16Array.from({ length: count }, (_, index) => view.getInt16(at + 2 * index)),
  },
  12: {
    bytes: 4,
    read: (view, count, at) =>
      Int32Array.from({ length: count }, (_, index) => view.getInt32(at + 4 * index)),
  },
  13: {
    bytes: 4,
    read: (view, count, at) =>
      Float32Array.from({ length: count }, (_, index) => view.getFloat32(at + 4 * index)),
  },
  14: {
    bytes: 8,
    read: (view, count, at) =>
      Float64Array.from({ length: count }, (_, index) => view.getFloat64(at + 8 * index)),
  },
}

export function isIdx(bytes: Uint8Array): boolean {
  const [zero, zeroToo, type = 0, rank = 0] = bytes
  return zero === 0 && zeroToo === 0 && type in ELEMENTS && rank > 0
}

/** The IDX format of the MNIST files (LeCun, yann.lecun.com/exdb/mnist, "The IDX file format"). */
export function parseIdx(bytes: Uint8Array, file: string): DataArray {
  const [, , type = 0, rank = 0] = bytes
  const element = ELEMENTS[type]
  if (!isIdx(bytes) || !element) refuseData(file, 'is no IDX file')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = 4 + 4 * rank
  if (bytes.byteLength < start) refuseData(file, `ends in its header of ${start} bytes`)
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const count = checkedCount(shape, file)
  const wanted = start + count * element.bytes
  if (bytes.byteLength !== wanted) {
    refuseData(file, `has ${bytes.byteLength} bytes where its header says ${wanted}`)
  }
  return { shape, values: element.read(view, count, start) }
}
