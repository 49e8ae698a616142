/** SGR parameters (ECMA-48, 8.3.117) of the sixteen colours that every terminal has. */
const STYLES = {
  title: '1',
  dim: '2',
  good: '32',
  bad: '31',
  warn: '33',
  sense: '36',
  download: '30;43',
  train: '30;42',
  upload: '30;44',
  bar: '36',
} as const
export type Style = keyof typeof STYLES

export interface Span {
  readonly text: string
  readonly style?: Style
}
/** One row of the terminal. Every character must be one column wide. */
export type Line = readonly Span[]

export function plainText(line: Line): string {
  return line
    .map(({ text }) => text)
    .join('')
    .trimEnd()
}

/** The line as bytes for a terminal, cut where the terminal ends: a wrapped line breaks redrawing. */
export function paintLine(
  line: Line,
  { hasColours, columns }: { readonly hasColours: boolean; readonly columns: number },
): string {
  let left = columns
  let painted = ''
  for (const { text, style } of line) {
    const shown = text.slice(0, left)
    left -= shown.length
    painted += style && hasColours && shown ? `\x1b[${STYLES[style]}m${shown}\x1b[0m` : shown
  }
  return painted
}

export function span(text: string, style?: Style): Span {
  return style ? { text, style } : { text }
}

/** Exactly so many columns: cut with an ellipsis, or filled up. */
export function padded(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const cut = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text
  return side === 'left' ? cut.padEnd(width) : cut.padStart(width)
}

/** Neighbours of one style become one span. */
export function joined(spans: readonly Span[]): Line {
  const line: { text: string; style?: Style }[] = []
  for (const next of spans) {
    const last = line.at(-1)
    if (last && last.style === next.style) last.text += next.text
    else line.push({ ...next })
  }
  return line
}
