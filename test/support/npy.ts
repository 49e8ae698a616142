/** An npy file of version 1, as numpy.save writes it. */
export function npyOf(shape: readonly number[], values: Float32Array | Int32Array): Uint8Array {
  const descr = values instanceof Float32Array ? '<f4' : '<i4'
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11 + 53)}\n`
  const head = Buffer.alloc(10)
  head.set([0x93, ...Buffer.from('NUMPY'), 1, 0])
  head.writeUInt16LE(header.length, 8)
  const numbers = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  return Buffer.concat([head, Buffer.from(header, 'latin1'), numbers])
}
