import { stemOf } from './word-stem.ts'

/** A summary: its sentences, in order. Sentence borders matter to ROUGE-L alone. */
export type Summary = readonly string[]

/** ROUGE-1.5.5 leaves words of up to three letters as they are. */
const STEMMED_LETTERS_MIN = 4

/**
 * Words of a sentence as ROUGE-1.5.5 sees them (its `readText` and `createNGram`): runs of ASCII
 * letters and digits in lower case, everything else between them; with `stems`, its option -m.
 */
export function tokensOf(sentence: string, { stems }: { readonly stems: boolean }): string[] {
  const words = sentence.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return stems
    ? words.map(word => (word.length < STEMMED_LETTERS_MIN ? word : stemOf(word)))
    : [...words]
}
