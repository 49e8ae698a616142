import type { UrpContent } from '../../urp/urp-builder.ts'
import { type Paint, renderHeatMap } from '../heat-map.ts'
import type { Board } from '../inventory.ts'
import type { ProbeResult } from '../probe.ts'
import { writtenBytes } from '../written.ts'
import { costLines } from './cost-lines.ts'
import { count, PAGE_WIDTH, pageOf, type Style, styleOf, titleLines, wrapped } from './page-text.ts'
import { probeLines } from './probe-lines.ts'

/** What is measured alone, or everything. */
export type MeasuredPart = 'link' | 'compute' | 'all'

export interface MeasurePage {
  readonly part: MeasuredPart
  readonly agentId: string
  readonly measuredAt: string
  readonly board: Board
  readonly results: Readonly<Record<string, ProbeResult<unknown>>>
  readonly urp: UrpContent
  readonly computingShareMax: number
  readonly paint: Paint
  /** With samples, what was discarded and why, and conditions of every figure. */
  readonly explain: boolean
}

/** What `gainnet measure` shows, in lines of at most 80 columns. */
export function renderMeasurePage(page: MeasurePage): string {
  const { part, results, explain, paint } = page
  const style = styleOf(paint)
  const lines = [
    '',
    ...header(page, style),
    '',
    ...Object.entries(results).flatMap(([name, result]) => [
      ...probeLines(name, result, { style, explain }),
      '',
    ]),
    ...(part === 'link' ? [] : [...computingMap(page, style), '']),
    ...(part === 'compute' ? [] : [...frequencyMap(page, style), '']),
    ...costLines(results, style),
    '',
  ]
  return pageOf(lines, paint)
}

const LEFT = ' '

function header({ agentId, measuredAt, board }: MeasurePage, style: Style): string[] {
  const memory = writtenBytes(board.memoryBytes)
  return [
    ...titleLines(`What ${agentId} can do`, measuredAt, style),
    ...wrapped(
      `${board.model} · ${board.cpu} · ${count(board.cores, 'core')} · ` +
        `${memory.value} ${memory.unit} · ${board.architecture}`,
      { indent: 1 },
    ),
    ...wrapped(`${board.os} · Node ${board.node}`, { indent: 1 }),
  ]
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
      widthMax: PAGE_WIDTH - 2,
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
      widthMax: PAGE_WIDTH - 2,
    }).map(line => LEFT + line),
  ]
}

/** Why the first of these that is not ok is not. */
function reasonOf(provenance: UrpContent['provenance'], names: readonly string[]): string {
  const first = names.map(name => provenance[name]).find(entry => entry?.reason)
  return first?.reason ?? 'not measured'
}
