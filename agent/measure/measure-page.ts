import type { UrpContent } from '../urp/urp-builder.ts'
import { type Paint, renderHeatMap } from './heat-map.ts'
import type { Board } from './inventory.ts'
import type { Conditions, ProbeResult } from './probe.ts'
import { writtenBytes, writtenSi } from './written.ts'

const WIDTH = 80
const LEFT = ' '
/** Column in which figures, methods and reasons begin. */
const INDENT = 19
const RIGHT = 9

export interface MeasurePage {
  readonly agentId: string
  readonly measuredAt: string
  readonly board: Board
  readonly results: Readonly<Record<string, ProbeResult<unknown>>>
  readonly urp: UrpContent
  readonly computingShareMax: number
  readonly paint: Paint
}

/** What `gainnet measure` shows, in lines of at most 80 columns. */
export function renderMeasurePage(page: MeasurePage): string {
  const style = styleOf(page.paint)
  const text = [
    '',
    ...header(page, style),
    '',
    ...Object.entries(page.results).flatMap(([name, result]) => [
      ...probeLines(name, result, style),
      '',
    ]),
    ...computingMap(page, style),
    '',
    ...frequencyMap(page, style),
    '',
  ]
    .map(line => line.trimEnd())
    .join('\n')
  return page.paint === 'digits' ? plain(text) : text
}

/** For terminals that know no other letters than those of ASCII. */
function plain(text: string): string {
  return text.replace(/[─·]/g, '-').replaceAll('°', '')
}

interface Style {
  bold(text: string): string
  dim(text: string): string
  status(status: ProbeResult<unknown>['status']): string
}

function styleOf(paint: Paint): Style {
  if (paint === 'shades' || paint === 'digits') {
    return { bold: text => text, dim: text => text, status: status => status.padEnd(8) }
  }
  const sgr = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`
  const STATUS = { ok: sgr(32), absent: sgr(33), failed: sgr(31) }
  return { bold: sgr(1), dim: sgr(2), status: status => STATUS[status](status.padEnd(8)) }
}

function header({ agentId, measuredAt, board }: MeasurePage, style: Style): string[] {
  const memory = writtenBytes(board.memoryBytes)
  const title = `What ${agentId} can do`
  const time = `${measuredAt.slice(0, 19).replace('T', ' ')} UTC`
  return [
    LEFT + style.bold(title) + style.dim(time.padStart(WIDTH - 2 - title.length)),
    LEFT + style.dim('─'.repeat(WIDTH - 2)),
    ...wrapped(
      `${board.model} · ${board.cpu} · ${count(board.cores, 'core')} · ` +
        `${memory.value} ${memory.unit} · ${board.architecture}`,
      { indent: 1 },
    ),
    ...wrapped(`${board.os} · Node ${board.node}`, { indent: 1 }),
  ]
}

function probeLines(name: string, result: ProbeResult<unknown>, style: Style): string[] {
  const text = result.status === 'ok' ? result.method : result.reason
  const [first = '', ...rest] = wrapped(text, { indent: INDENT, right: RIGHT + 1 })
  const duration = writtenDuration(result.durationMs).padStart(RIGHT)
  const head =
    LEFT +
    style.bold(name.padEnd(10)) +
    style.status(result.status) +
    style.dim(first.slice(INDENT).padEnd(WIDTH - 1 - INDENT - RIGHT) + duration)
  if (result.status !== 'ok') return [head, ...rest.map(line => style.dim(line))]
  const figures = result.figures.map(
    figure =>
      `${' '.repeat(INDENT)}${figure.name.padEnd(29)}${figure.value.padStart(9)} ${figure.unit}`,
  )
  const conditions = conditionText(result.conditions)
  return [
    head,
    ...rest.map(line => style.dim(line)),
    ...figures,
    ...(result.discarded ?? [])
      .flatMap(each => wrapped(`left out: ${each}`, { indent: INDENT }))
      .map(line => style.dim(line)),
    ...(name === 'compute' && conditions ? [style.dim(' '.repeat(INDENT) + conditions)] : []),
  ]
}

/** Under which heat and frequency a rate was measured. */
function conditionText(conditions: Conditions = {}): string {
  const { temperatureCelsius, frequencyHz, throttled } = conditions
  const frequency = frequencyHz === undefined ? undefined : writtenSi(frequencyHz, 'Hz')
  return [
    ...(frequency ? [`at ${frequency.value} ${frequency.unit}`] : []),
    ...(temperatureCelsius === undefined ? [] : [`at ${temperatureCelsius.toFixed(1)} °C`]),
    ...(throttled === undefined ? [] : [throttled ? 'throttled' : 'not throttled']),
  ].join(', ')
}

function computingMap(page: MeasurePage, style: Style): string[] {
  const { slots, slotMs, computing, provenance } = page.urp
  const title = [
    LEFT + style.bold('Time-computing matrix'),
    ...wrapped(
      `Free share of each core in ${slots} slots of ${slotMs} ms; ` +
        `at most ${Math.round(page.computingShareMax * 100)} % is offered.`,
      { indent: 1 },
    ),
    '',
  ]
  if (computing.units.length === 0) {
    const reason = reasonOf(provenance, ['compute', 'cpu', 'computing.availability'])
    return [...title.slice(0, 1), ...wrapped(`Not known: ${reason}`, { indent: 1 })]
  }
  return [
    ...title,
    ...renderHeatMap({
      matrix: computing.availability,
      labels: computing.units.map(({ unit }) => unit),
      direction: 'down',
      paint: page.paint,
      widthMax: WIDTH - 2,
    }).map(line => LEFT + line),
  ]
}

function frequencyMap(page: MeasurePage, style: Style): string[] {
  const { slots, slotMs, frequency, provenance } = page.urp
  const title = LEFT + style.bold('Time-frequency matrix')
  const [pool] = frequency
  if (!pool) {
    const names = Object.keys(provenance).filter(name => name.startsWith('frequency.'))
    const reason = reasonOf(provenance, ['link', ...names])
    const isAbsent = provenance.link?.status === 'absent'
    const hint = isAbsent ? '; gainnet measure --link asks the configured one' : ''
    return [title, ...wrapped(`Not known: ${reason}${hint}`, { indent: 1 })]
  }
  return [
    title,
    ...wrapped(
      `Free tenths of the link to '${pool.link}' in ${slots} slots of ${slotMs} ms, ` +
        'filled from the first block.',
      { indent: 1 },
    ),
    '',
    ...renderHeatMap({
      matrix: pool.availability,
      labels: Array.from({ length: pool.blockCount }, (_, block) => `b${block}`),
      direction: 'up',
      paint: page.paint,
      widthMax: WIDTH - 2,
    }).map(line => LEFT + line),
  ]
}

/** Why the first of these that is not ok is not. */
function reasonOf(provenance: UrpContent['provenance'], names: readonly string[]): string {
  const first = names.map(name => provenance[name]).find(entry => entry?.reason)
  return first?.reason ?? 'not measured'
}

function writtenDuration(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Breaks at spaces; a word that is too long for a line is kept whole. */
function wrapped(
  text: string,
  { indent, right = 1 }: { readonly indent: number; readonly right?: number },
): string[] {
  const room = WIDTH - indent - right
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
