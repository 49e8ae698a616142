import type { Paint } from '../../agent/measure/heat-map.ts'
import { fitted, PAGE_WIDTH, pageOf, styleOf } from '../../agent/measure/page/page-text.ts'
import {
  type Written,
  writtenBytes,
  writtenNumber,
  writtenShare,
  writtenSi,
} from '../../agent/measure/written.ts'
import type { MatrixChange, UrpDifferences, ValueChange } from './urp-differences.ts'
import type { FoundUrp } from './urp-source.ts'

/** More are told in the JSON; nobody reads hundreds of lines. */
const VALUES_MAX = 60
/** Of a free share that is told: below half a point nothing is to be seen. */
const POINTS_MIN = 0.0005

const MATRIX_HEAD = '   before     after      change   most in one slot'
const VALUE_HEAD = '                 before        after      change'

export interface DiffPage {
  readonly before: FoundUrp
  readonly after: FoundUrp
  readonly differences: UrpDifferences
  readonly paint: Paint
}

/** What `gainnet urp diff` shows, in lines of at most 80 columns. */
export function renderDiffPage({ before, after, differences, paint }: DiffPage): string {
  const style = styleOf(paint)
  const { matrices, values, notes } = differences
  const side = ({ agentId, urp }: FoundUrp) => `${agentId ? `${agentId}, ` : ''}round ${urp.crId}`
  const head = (title: string, columns: string) =>
    ` ${style.bold(title.padEnd(21))}${style.dim(columns)}`
  const seen = matrices.filter(
    change => Math.abs(change.after - change.before) >= POINTS_MIN || change.slotChange !== 0,
  )
  const shown = values.slice(0, VALUES_MAX)
  const left = values.length - shown.length
  const lines = [
    '',
    ` ${style.bold(fitted(`From ${side(before)} to ${side(after)}`, PAGE_WIDTH - 2).trimEnd())}`,
    ` ${style.dim('─'.repeat(PAGE_WIDTH - 2))}`,
    ...(seen.length > 0 ? [head('Free share', MATRIX_HEAD), ...seen.flatMap(matrixLine), ''] : []),
    ...(shown.length > 0 ? [head('Figures', VALUE_HEAD), ...shown.flatMap(valueLines), ''] : []),
    ...(left > 0 ? [` … and ${left} more; --json has them all`, ''] : []),
    ...notes.flatMap(note => [` ${note}`, '']),
    ...(seen.length + values.length === 0 ? [' Nothing changed.', ''] : []),
  ]
  return pageOf(lines, paint)
}

function matrixLine({ kind, name, before, after, slot, slotChange }: MatrixChange): string {
  const figures =
    percent(before).padStart(9) + percent(after).padStart(10) + points(after - before).padStart(12)
  return `  ${fitted(`${kind} ${name}`, 20)}${figures}   ${points(slotChange)} in slot ${slot}`
}

/** Path and figures on a line, on two where they do not fit, on three for long words. */
function valueLines({ path, before, after }: ValueChange): string[] {
  const [a, b] = [writtenValue(path, before), writtenValue(path, after)]
  const change = typeof before === 'number' && typeof after === 'number' ? ratio(before, after) : ''
  const place = fitted(path, 76).trimEnd()
  if (a.length > 13 || b.length > 13) {
    return [`  ${place}`, `      ${fitted(a, 70)}`.trimEnd(), `   →  ${fitted(b, 70)}`.trimEnd()]
  }
  const figures = `${a.padStart(13)}${b.padStart(13)}${change.padStart(12)}`
  return path.length <= 29
    ? [`  ${path.padEnd(30)}${figures}`]
    : [`  ${place}`, `${' '.repeat(32)}${figures}`]
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function points(change: number): string {
  return `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} pts`
}

function ratio(before: number, after: number): string {
  if (before === 0) return ''
  const percentage = ((after - before) / Math.abs(before)) * 100
  const size = Math.abs(percentage)
  const digits = size >= 0.1 ? size.toFixed(1) : size.toPrecision(1)
  return `${percentage >= 0 ? '+' : '-'}${digits} %`
}

/** In which unit the last word of a path with a unit in its name is; by the names of the schema. */
const UNITS: readonly (readonly [RegExp, (value: number) => Written])[] = [
  [/BitsPerSecond(\.\w+)?$/, value => writtenSi(value, 'bit/s')],
  [/[fF]lopsPerSecond$/, value => writtenSi(value, 'FLOP/s')],
  [/[bB]ytes(Spent)?$/, writtenBytes],
  [/[bB]ytesPerSecond$/, value => withUnit(writtenBytes(value), '/s')],
  [/Hz$/, value => writtenSi(value, 'Hz')],
  [/Ms(\.\w+)?$/, value => plain(value, 'ms')],
  [/Celsius$/, value => plain(value, '°C')],
  [/Watts$/, value => plain(value, 'W')],
  [/Seconds(Spent)?$/, value => plain(value, 's')],
  [/Ppm$/, value => plain(value, 'ppm')],
  [/Share$/, writtenShare],
]

function writtenValue(path: string, value: unknown): string {
  if (value === undefined) return 'not there'
  if (typeof value !== 'number') return String(value)
  if (/\.n$/.test(path)) return String(value)
  const [, written] = UNITS.find(([pattern]) => pattern.test(path)) ?? []
  const { value: text, unit } = written ? written(value) : plain(value, '')
  return `${text} ${unit}`.trimEnd()
}

function plain(value: number, unit: string): Written {
  return { value: writtenNumber(value), unit, base: { value, unit } }
}

function withUnit(written: Written, more: string): Written {
  return { ...written, unit: `${written.unit}${more}` }
}
