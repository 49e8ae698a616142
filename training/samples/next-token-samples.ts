import type { SampleRows } from './next-byte-samples.ts'

/**
 * Rows of `contextTokens` tokens with, as labels, the token that follows each of them: one row behind
 * the other, at most `samplesMax`. What is left at the end is too short for a row.
 */
export function nextTokenSamples(
  tokens: ArrayLike<number>,
  options: { readonly contextTokens: number; readonly samplesMax: number },
): SampleRows {
  const { contextTokens, samplesMax } = options
  const count = Math.max(0, Math.min(samplesMax, Math.floor((tokens.length - 1) / contextTokens)))
  const from = (start: number) =>
    Int32Array.from({ length: count * contextTokens }, (_, place) => tokens[start + place] ?? 0)
  return { inputs: from(0), inputWidth: contextTokens, labels: from(1) }
}
