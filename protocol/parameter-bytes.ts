/** Parameters on the wire and on disk are float32, little-endian, as on every CPU we run on. */

/** A view of the same memory. */
export function bytesOfParameters(parameters: Float32Array): Uint8Array {
  return new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength)
}

/** A view of the same memory, or a copy where the bytes do not begin at a multiple of four. */
export function parametersOfBytes(bytes: Uint8Array): Float32Array {
  // Not slice(): that of a Buffer is a view at the same place.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
}
