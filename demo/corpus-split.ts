import { contentHash, DOMAINS, type Domain, normalisedText, type TextFile } from './corpus.ts'

export interface DomainText {
  /** For agents, in pieces of a page, so that a folder of several domains reads mixed. */
  readonly pieces: readonly string[]
  /** For evaluation: no paragraph of it stands in any piece. */
  readonly heldBack: string
}

/** Evaluating so much takes about a second a model; the figure then varies by about 0.03 bits. */
const HELD_BACK_BYTES_MAX = 32_768
const HELD_BACK_SHARE = 0.15
/** Of one file at most, so that the held-back text shows many. */
const EXCERPT_BYTES_MAX = 3000
const PIECE_BYTES_MAX = 4096
/** Shorter paragraphs ("MIT License", "}") are common property. */
const PARAGRAPH_LETTERS_MIN = 40

/**
 * Parts each domain into text to learn from and text to judge by, by content hash and so the same
 * on every run. Licences are a few texts copied often, also inside each other; therefore what is
 * held back of them are single paragraphs, and of the others whole files, and whatever is held back
 * is struck out of every file that repeats it.
 */
export function splitCorpus(files: readonly TextFile[]): ReadonlyMap<Domain, DomainText> {
  const held = new Map(DOMAINS.map(domain => [domain, holdBack(files, domain)]))
  const struck = new Set<string>()
  for (const units of held.values()) {
    for (const unit of units) for (const paragraph of paragraphsOf(unit)) strike(paragraph, struck)
  }
  return new Map(
    DOMAINS.map(domain => {
      const units = held.get(domain) ?? new Set()
      const texts = files.filter(file => file.domain === domain && !units.has(file.text))
      const pieces = texts.flatMap(({ text }) => piecesOf(withoutParagraphs(text, struck)))
      const heldBack = [...units].map(unit => cutAtLine(unit, EXCERPT_BYTES_MAX)).join('\n\n')
      return [domain, { pieces, heldBack: cutAtLine(heldBack, HELD_BACK_BYTES_MAX) }]
    }),
  )
}

/** Paragraph identities of a text that are long enough to tell one text from another. */
export function paragraphKeys(text: string): string[] {
  return paragraphsOf(text)
    .map(normalisedText)
    .filter(key => key.length >= PARAGRAPH_LETTERS_MIN)
}

function holdBack(files: readonly TextFile[], domain: Domain): ReadonlySet<string> {
  const texts = files.filter(file => file.domain === domain).map(({ text }) => text)
  const units = domain === 'licence' ? distinctParagraphs(texts) : texts
  const bytesWanted = Math.min(
    HELD_BACK_BYTES_MAX,
    HELD_BACK_SHARE * units.reduce((sum, unit) => sum + unit.length, 0),
  )
  const chosen = new Set<string>()
  let bytes = 0
  for (const unit of units.toSorted(byHash)) {
    if (bytes >= bytesWanted) break
    chosen.add(unit)
    bytes += Math.min(unit.length, EXCERPT_BYTES_MAX)
  }
  return chosen
}

function distinctParagraphs(texts: readonly string[]): string[] {
  const byKey = new Map<string, string>()
  for (const paragraph of texts.flatMap(paragraphsOf)) {
    const key = normalisedText(paragraph)
    if (key.length >= PARAGRAPH_LETTERS_MIN && !byKey.has(key)) byKey.set(key, paragraph)
  }
  return [...byKey.values()]
}

function strike(paragraph: string, struck: Set<string>): void {
  const key = normalisedText(paragraph)
  if (key.length >= PARAGRAPH_LETTERS_MIN) struck.add(key)
}

function withoutParagraphs(text: string, struck: ReadonlySet<string>): string {
  return paragraphsOf(text)
    .filter(paragraph => !struck.has(normalisedText(paragraph)))
    .join('\n\n')
}

/** Blocks between empty lines; quoting and comment marks do not make a line full. */
function paragraphsOf(text: string): string[] {
  return text.split(/\n[\s>*#/-]*\n/).filter(paragraph => paragraph.trim() !== '')
}

function piecesOf(text: string): string[] {
  const pieces: string[] = []
  let piece = ''
  for (const line of text.split('\n')) {
    if (piece.length + line.length > PIECE_BYTES_MAX && piece !== '') {
      pieces.push(piece)
      piece = ''
    }
    piece += `${line}\n`
  }
  if (piece.trim() !== '') pieces.push(piece)
  return pieces
}

function cutAtLine(text: string, bytesMax: number): string {
  if (text.length <= bytesMax) return text
  const end = text.lastIndexOf('\n', bytesMax)
  return text.slice(0, end > 0 ? end : bytesMax)
}

function byHash(a: string, b: string): number {
  return contentHash(a) < contentHash(b) ? -1 : 1
}
