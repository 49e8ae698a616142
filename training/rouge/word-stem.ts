import { createRequire } from 'node:module'
import { stemmer } from 'stemmer'

/** Irregular forms that the lists of WordNet lack, but wink-lexicon has added to them. */
const NOT_IN_WORDNET = new Set(
  (
    'figs floreant lumbi penetralia women cladded could creeped does doing goes going shorn ' +
    'stricken would furthest farthest'
  ).split(' '),
)

let exceptions: ReadonlyMap<string, string> | undefined

/**
 * Stem of a lower-case word: its base form where WordNet lists it as irregular (ROUGE-1.5.5 asks
 * those lists first), else what Porter's algorithm of 1980 leaves of it.
 */
export function stemOf(word: string): string {
  exceptions ??= readExceptions()
  return exceptions.get(word) ?? stemmer(word)
}

/** Half a MB of lists, read when the first word is stemmed. */
function readExceptions(): ReadonlyMap<string, string> {
  const require = createRequire(import.meta.url)
  const parts = ['adjective', 'noun', 'verb'].map(part => {
    const forms: Readonly<Record<string, string>> = require(
      `wink-lexicon/src/wn-${part}-exceptions.js`,
    )
    return Object.entries(forms)
  })
  return new Map(parts.flat().filter(([word]) => !NOT_IN_WORDNET.has(word)))
}
