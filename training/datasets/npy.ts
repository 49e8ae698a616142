import { checkedCount, type DataArray, type DataValues, refuseData } from './array.ts'

const MAGIC = [0x93, ...Buffer.from('NUMPY')]

type Reader = (buffer: ArrayBuffer, count: number) => DataValues

/** By the type string of NumPy; bytes have no order. */
const READERS: Readonly<Record<string, { readonly bytes: number; readonly read: Reader }>> = {
  '|u1': { bytes: 1, read: (buffer, count) => new Uint8Array(buffer, 0, count) },
  '|b1': { bytes: 1, read: (buffer, count) => new Uint8Array(buffer, 0, count) },
  '|i1': { bytes: 1, read: (buffer, count) => new Int8Array(buffer, 0, count) },
  '<i2': { bytes: 2, read: (buffer, count) => new Int16Array(buffer, 0, count) },
  '<i4': { bytes: 4, read: (buffer, count) => new Int32Array(buffer, 0, count) },
  '<i8': { bytes: 8, read: (buffer, count) => new BigInt64Array(buffer, 0, count) },
  '<f4': { bytes: 4, read: (buffer, count) => new Float32Array(buffer, 0, count) },
  '<f8': { bytes: 8, read: (buffer, count) => new Float64Array(buffer, 0, count) },
}

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte)
}

/** An array saved by numpy.save (NEP 1), versions 1 and 2 of the format, in C order. */
export function parseNpy(bytes: Uint8Array, file: string): DataArray {
  if (!isNpy(bytes) || bytes.byteLength < 12) refuseData(file, 'is no npy file')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint8(6)
  if (version !== 1 && version !== 2)
    refuseData(file, `is npy of version ${version}: 1 and 2 are read`)
  const [headerBytes, start] =
    version === 1 ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12]
  const end = start + headerBytes
  if (bytes.byteLength < end) refuseData(file, `ends in its header of ${end} bytes`)
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, end))
  const { type, shape } = parseHeader(header, file)
  const reader = READERS[type]
  if (!reader) {
    refuseData(file, `holds ${type}: save it as float32, float64, int32, int64 or uint8`)
  }
  const count = checkedCount(shape, file)
  const wanted = end + count * reader.bytes
  if (bytes.byteLength !== wanted) {
    refuseData(file, `has ${bytes.byteLength} bytes where its header says ${wanted}`)
  }
  // A copy (a Buffer's slice is none), since the numbers need not begin at a multiple of their size.
  return { shape, values: reader.read(new Uint8Array(bytes.subarray(end)).buffer, count) }
}

/** A Python dictionary with just these keys: {'descr': '<f4', 'fortran_order': False, 'shape': (3,), } */
function parseHeader(
  header: string,
  file: string,
): { readonly type: string; readonly shape: readonly number[] } {
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1]
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1]
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1]
  if (type === undefined || order === undefined || shape === undefined) {
    refuseData(file, `has the header ${header.trim().slice(0, 80)}`)
  }
  if (order === 'True') refuseData(file, 'is in Fortran order: save numpy.ascontiguousarray of it')
  const sizes = shape.split(',').map(text => text.trim())
  return { type, shape: sizes.filter(text => text !== '').map(Number) }
}
