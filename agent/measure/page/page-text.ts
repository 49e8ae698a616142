import type { Paint } from '../heat-map.ts'

/** Every page is made for terminals of this width. */
export const PAGE_WIDTH = 80

export type Outcome = 'ok' | 'absent' | 'failed'

export interface Style {
  bold(text: string): string
  dim(text: string): string
  status(status: Outcome): string
}

export function styleOf(paint: Paint): Style {
  if (paint === 'shades' || paint === 'digits') {
    return { bold: text => text, dim: text => text, status: status => status.padEnd(8) }
  }
  const sgr = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`
  const STATUS = { ok: sgr(32), absent: sgr(33), failed: sgr(31) }
  return { bold: sgr(1), dim: sgr(2), status: status => STATUS[status](status.padEnd(8)) }
}

/** Lines to the text of a page; without its signs where the terminal knows only those of ASCII. */
export function pageOf(lines: readonly string[], paint: Paint): string {
  const text = lines.map(line => line.trimEnd()).join('\n')
  if (paint !== 'digits') return text
  return text
    .replace(/[─·]/g, '-')
    .replaceAll('°', '')
    .replaceAll('±', '+-')
    .replaceAll('→', '->')
    .replaceAll('≥', '>=')
    .replaceAll('…', '~')
    .replaceAll('\u00a0', ' ')
}

/** Title to the left, time to the right, a rule below. */
export function titleLines(title: string, time: string, style: Style): string[] {
  const right = `${time.slice(0, 19).replace('T', ' ')} UTC`
  const room = PAGE_WIDTH - 3 - right.length
  const left = title.length > room ? `${title.slice(0, room - 1)}…` : title.padEnd(room)
  return [` ${style.bold(left)} ${style.dim(right)}`, ` ${style.dim('─'.repeat(PAGE_WIDTH - 2))}`]
}

/** Breaks at spaces; a word that is too long for a line is kept whole. */
export function wrapped(
  text: string,
  { indent, right = 1 }: { readonly indent: number; readonly right?: number },
): string[] {
  const room = PAGE_WIDTH - indent - right
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map(each => ' '.repeat(indent) + each)
}

/** The same in one line, with an ellipsis where something is left out. */
export function fitted(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`
}

export function writtenDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`
  const seconds = durationMs / 1000
  if (seconds < 100) return `${seconds.toFixed(1)} s`
  const minutes = seconds / 60
  return minutes < 100 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
