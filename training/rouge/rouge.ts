import { type Summary, tokensOf } from './tokens.ts'

/** Shares from 0 to 1, to five places as ROUGE-1.5.5 prints them. */
export interface RougeScore {
  readonly recall: number
  readonly precision: number
  /** F₁ of the two above as printed. */
  readonly f: number
}

export const ROUGE_METRICS = ['rouge-1', 'rouge-2', 'rouge-l'] as const
export type RougeMetric = (typeof ROUGE_METRICS)[number]
export type RougeScores = Readonly<Record<RougeMetric, RougeScore>>

/**
 * ROUGE-1, ROUGE-2 and the summary-level ROUGE-L of a candidate against one reference (Lin 2004,
 * sections 2 and 3.2), in every decimal as the script ROUGE-1.5.5 with `-n 2`; with `stems`, its `-m`.
 */
export function rougeScores(
  candidate: Summary,
  reference: Summary,
  options: { readonly stems: boolean },
): RougeScores {
  const [found, wanted] = [candidate, reference].map(summary =>
    summary.map(sentence => tokensOf(sentence, options)),
  )
  const [of, to] = [found ?? [], wanted ?? []]
  return { 'rouge-1': rougeN(of, to, 1), 'rouge-2': rougeN(of, to, 2), 'rouge-l': rougeL(of, to) }
}

type Sentences = readonly (readonly string[])[]

/** n-grams run across the borders of sentences; each counts as often as both sides have it. */
function rougeN(candidate: Sentences, reference: Sentences, n: number): RougeScore {
  const [found, wanted] = [ngramCounts(candidate.flat(), n), ngramCounts(reference.flat(), n)]
  let hits = 0
  for (const [gram, count] of wanted) hits += Math.min(count, found.get(gram) ?? 0)
  return scoreOf(hits, { candidate: sumOf(found), reference: sumOf(wanted) })
}

/**
 * Σ over the reference's sentences of the union of its longest common subsequences with all the
 * candidate's (Lin 2004, eq. 5 to 7); a word counts no oftener than both sides have it.
 */
function rougeL(candidate: Sentences, reference: Sentences): RougeScore {
  const left = [ngramCounts(candidate.flat(), 1), ngramCounts(reference.flat(), 1)]
  let hits = 0
  for (const sentence of reference) {
    const places = new Set(candidate.flatMap(other => commonPlaces(sentence, other)))
    for (const place of places) {
      const word = sentence[place] ?? ''
      if (left.some(counts => (counts.get(word) ?? 0) === 0)) continue
      for (const counts of left) counts.set(word, (counts.get(word) ?? 0) - 1)
      hits += 1
    }
  }
  return scoreOf(hits, { candidate: candidate.flat().length, reference: reference.flat().length })
}

/** Places in `words` of a longest common subsequence; of equally long ones, that of the script. */
function commonPlaces(words: readonly string[], others: readonly string[]): number[] {
  const width = others.length + 1
  const lengths = new Uint32Array((words.length + 1) * width)
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0
  for (let i = 1; i <= words.length; i++) {
    for (let j = 1; j <= others.length; j++) {
      lengths[i * width + j] =
        words[i - 1] === others[j - 1] ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1))
    }
  }
  const places: number[] = []
  let [i, j] = [words.length, others.length]
  while (i > 0 && j > 0) {
    if (words[i - 1] === others[j - 1]) {
      places.push(i - 1)
      i -= 1
      j -= 1
    } else if (at(i - 1, j) >= at(i, j - 1)) i -= 1
    else j -= 1
  }
  return places.reverse()
}

function ngramCounts(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let at = 0; at + n <= words.length; at++) {
    const gram = words.slice(at, at + n).join(' ')
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  return counts
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

/** A side without a word scores 0. */
function scoreOf(
  hits: number,
  words: { readonly candidate: number; readonly reference: number },
): RougeScore {
  const recall = toFivePlaces(words.reference > 0 ? hits / words.reference : 0)
  const precision = toFivePlaces(words.candidate > 0 ? hits / words.candidate : 0)
  const f = hits > 0 ? toFivePlaces((2 * recall * precision) / (recall + precision)) : 0
  return { recall, precision, f }
}

function toFivePlaces(value: number): number {
  return Math.round(value * 1e5) / 1e5
}
