import { joined, type Line, span } from './styled-text.ts'

const LEVELS = '▁▂▃▄▅▆▇█'

/**
 * A value a column, the last ones when there are more; from 0.6 of the line to the first value, so
 * that the way down fills the height. Below the line in one colour, above it in another.
 */
export function sparkline(values: readonly number[], line: number, columns: number): Line {
  const shown = values.slice(-columns)
  const low = Math.min(line * 0.6, ...values)
  const high = Math.max(line, ...values)
  const spans = shown.map(value => {
    const level = Math.round(((value - low) / (high - low || 1)) * (LEVELS.length - 1))
    return span(LEVELS[level] ?? '', value < line ? 'good' : 'warn')
  })
  return [...joined(spans), span(' '.repeat(columns - shown.length))]
}
