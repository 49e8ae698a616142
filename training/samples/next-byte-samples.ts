/** Training rows as the trainer takes them: `inputs` is row-major, one label a row. */
export interface SampleRows {
  readonly inputs: Int32Array
  readonly inputWidth: number
  readonly labels: Int32Array
}

/**
 * Next-byte samples of a text: row i holds `contextBytes` bytes, its label the byte that follows.
 * At most `samplesMax` rows, the first ones of the text.
 */
export function nextByteSamples(
  text: Uint8Array,
  { contextBytes, samplesMax }: { readonly contextBytes: number; readonly samplesMax: number },
): SampleRows {
  const count = Math.max(0, Math.min(samplesMax, text.length - contextBytes))
  const inputs = new Int32Array(count * contextBytes)
  const labels = new Int32Array(count)
  for (let row = 0; row < count; row++) {
    inputs.set(text.subarray(row, row + contextBytes), row * contextBytes)
    labels[row] = text[row + contextBytes] ?? 0
  }
  return { inputs, inputWidth: contextBytes, labels }
}
