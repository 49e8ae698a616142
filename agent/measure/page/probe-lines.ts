import type { Conditions, Explanation, Figure, ProbeResult } from '../probe.ts'
import { writtenNumber, writtenSi } from '../written.ts'
import { count, PAGE_WIDTH, type Style, wrapped, writtenDuration } from './page-text.ts'

/** Column in which methods and reasons begin. */
const INDENT = 19
/** Column in which figures begin. */
const FIGURES = 11
/** Of the column of durations, at the right. */
const RIGHT = 9

interface Look {
  readonly style: Style
  readonly explain: boolean
}

/** One probe: what came of it, its figures, and on request how they came about. */
export function probeLines(name: string, result: ProbeResult<unknown>, look: Look): string[] {
  const { style, explain } = look
  const text = result.status === 'ok' ? result.method : result.reason
  const [first = '', ...rest] = wrapped(text, { indent: INDENT, right: RIGHT + 1 })
  const duration = writtenDuration(result.durationMs).padStart(RIGHT)
  const head =
    ` ${style.bold(name.padEnd(10))}${style.status(result.status)}` +
    style.dim(first.slice(INDENT).padEnd(PAGE_WIDTH - 1 - INDENT - RIGHT) + duration)
  if (result.status !== 'ok') return [head, ...rest.map(style.dim)]
  const conditions = conditionText(result.conditions)
  const isShown = explain || name === 'compute'
  return [
    head,
    ...rest.map(style.dim),
    ...result.figures.flatMap((figure, index) => [
      figureLine(figure, style),
      ...(explain ? explanationOf(index, result, style) : []),
    ]),
    ...(result.discarded ?? []).flatMap(each => dimmed(`left out: ${each}`, style)),
    ...(isShown && conditions ? dimmed(conditions, style) : []),
  ]
}

/** Name, samples and spread to the left, value and unit in columns at the right. */
function figureLine(figure: Figure, style: Style): string {
  const { name, value, unit, explanation } = figure
  const amount = unit.length > 9 ? `${value} ${unit}`.padStart(18) : `${value.padStart(8)} ${unit}`
  const spread = [
    ...(explanation && explanation.samples > 1 ? [`n ${explanation.samples}`] : []),
    spreadText(figure),
  ].filter(Boolean)
  const room = PAGE_WIDTH - 1 - FIGURES - 18
  const left = name.padEnd(Math.max(name.length + 1, 25))
  const right = spread.join(', ')
  const isRoomy = left.length + right.length <= room
  const between = isRoomy ? style.dim(right.padStart(room - left.length)) : ''
  const line = `${' '.repeat(FIGURES)}${isRoomy ? left : name.padEnd(room)}${between}${amount}`
  return isRoomy || right === '' ? line : `${line}\n${style.dim(' '.repeat(FIGURES + 2) + right)}`
}

/** In the unit of the value, which is written with a prefix. */
function spreadText({ value, base, spread }: Figure): string {
  if (!spread) return ''
  const scale = base && base.value !== 0 ? Number(value) / base.value : 1
  const [from, to] = [spread.p10, spread.p90].map(each => writtenNumber(each * scale))
  return `${from} to ${to}`
}

/** Told once for figures after each other that came about in the same way. */
function explanationOf(
  index: number,
  result: ProbeResult<unknown> & { readonly status: 'ok' },
  style: Style,
): string[] {
  const textOf = (figure: Figure | undefined) =>
    figure && explanationText(figure.explanation ?? result.explanation)
  const own = textOf(result.figures[index])
  const isToldLater = own === textOf(result.figures[index + 1])
  return own === undefined || isToldLater ? [] : dimmed(own, style)
}

export function explanationText(explanation: Explanation | undefined): string {
  if (!explanation) return 'one reading, nothing left out'
  const { samples, sampleIs = 'sample', method, discarded } = explanation
  const left = discarded.map(({ reason, count: times }) => `${times} × ${reason}`).join(', ')
  return [
    count(samples, sampleIs),
    left === '' ? 'nothing left out' : `left out ${left}`,
    ...(method ? [method] : []),
  ].join('; ')
}

/** In which state the board was meanwhile. */
export function conditionText(conditions: Conditions = {}): string {
  const { temperatureCelsius, frequencyHz, throttled, underVoltage } = conditions
  const frequency = frequencyHz === undefined ? undefined : writtenSi(frequencyHz, 'Hz')
  return [
    ...(frequency ? [`at ${frequency.value} ${frequency.unit}`] : []),
    ...(temperatureCelsius === undefined ? [] : [`at ${temperatureCelsius.toFixed(1)} °C`]),
    ...(throttled === undefined ? [] : [throttled ? 'throttled' : 'not throttled']),
    ...(underVoltage === true ? ['supply too low'] : []),
  ].join(', ')
}

function dimmed(text: string, style: Style): string[] {
  return wrapped(text, { indent: FIGURES + 2 }).map(style.dim)
}
