/** Eighths of a row, from the bottom. */
const BLOCKS = ' ▁▂▃▄▅▆▇█'
const AXIS_COLUMNS = 10

/**
 * The losses as a picture of so many columns and rows: each column is the mean of its share of the
 * steps, filled from below.
 */
export function lossChart(
  losses: ArrayLike<number>,
  { columns = 64, rows = 10 }: { readonly columns?: number; readonly rows?: number } = {},
): string {
  const means = bin(losses, Math.min(columns, losses.length))
  if (means.length === 0) return ''
  const [lowest, highest] = [Math.min(...means), Math.max(...means)]
  // From 0 where that costs no more than half of the picture, so that a fall looks as large as it is.
  const floor = lowest > 0 && lowest < highest / 2 ? 0 : lowest
  const span = highest - floor || 1
  const lines = Array.from({ length: rows }, (_, line) => {
    const bottom = rows - 1 - line
    const bars = means.map(mean => {
      const height = Math.max(0.13, ((mean - floor) / span) * rows) - bottom
      return BLOCKS[Math.min(8, Math.max(0, Math.round(height * 8)))]
    })
    const mark = line === 0 ? highest : line === rows - 1 ? floor : undefined
    const label = mark === undefined ? '' : mark.toPrecision(4)
    return `${label.padStart(AXIS_COLUMNS)} │${bars.join('')}\n`
  })
  const end = `step ${losses.length}`
  const axis = `${' '.repeat(AXIS_COLUMNS)} └${'─'.repeat(means.length)}\n`
  const steps = `${' '.repeat(AXIS_COLUMNS)}  1${end.padStart(Math.max(end.length + 1, means.length - 1))}\n`
  return lines.join('') + axis + steps
}

function bin(losses: ArrayLike<number>, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor((index * losses.length) / count)
    const end = Math.max(start + 1, Math.floor(((index + 1) * losses.length) / count))
    let sum = 0
    for (let step = start; step < end; step += 1) sum += losses[step] ?? 0
    return sum / (end - start)
  })
}
