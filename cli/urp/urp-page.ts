import { type Paint, renderHeatMap } from '../../agent/measure/heat-map.ts'
import {
  count,
  fitted,
  pageOf,
  type Style,
  styleOf,
  titleLines,
  wrapped,
  writtenDuration,
} from '../../agent/measure/page/page-text.ts'
import {
  type Written,
  writtenBytes,
  writtenNumber,
  writtenSi,
} from '../../agent/measure/written.ts'
import type { Matrix } from '../../protocol/matrix.ts'
import { formText } from '../../protocol/row-form.ts'
import type { CellFigures, ChannelFigures, Provenance, Quantity } from '../../protocol/urp.ts'
import type { UrpContent } from '../../protocol/urp-series/urp-document.ts'
import { columnFigures, foldedMatrix } from './folded-matrix.ts'

/** Lines of a heat map; a link of 512 blocks is folded to as many. */
const MAP_LINES_MAX = 16
const MAP_WIDTH = 78

export interface UrpPage {
  readonly agentId: string | undefined
  readonly urp: UrpContent
  readonly paint: Paint
}

/** What `gainnet urp show` shows, in lines of at most 80 columns. */
export function renderUrpPage({ agentId, urp, paint }: UrpPage): string {
  const style = styleOf(paint)
  const { crId, slots, slotMs, validUntil } = urp
  const startsAtMs = Date.parse(validUntil) - slots * slotMs
  const title = `URP of ${agentId ?? 'this board'}, round ${crId}`
  const lines = [
    '',
    ...titleLines(title, new Date(startsAtMs).toISOString(), style),
    ` ${count(slots, 'slot')} of ${writtenDuration(slotMs)}, valid until ${timeOf(validUntil)} UTC`,
    '',
    ...computingLines(urp, { style, paint }),
    '',
    ...urp.frequency.flatMap(pool => [...frequencyLines(pool, { style, paint }), '']),
    ...(urp.frequency.length === 0 ? [...noFrequency(urp, style), ''] : []),
    ...section('Links', urp.links.flatMap(linkLines), style),
    ...section('Sensing', urp.sensing.map(sensingLine), style),
    ...section('Board', boardLines(urp), style),
    ...section('How it came about', provenanceLines(urp.provenance, startsAtMs), style),
  ]
  return pageOf(lines, paint)
}

interface Look {
  readonly style: Style
  readonly paint: Paint
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : [` ${style.bold(title)}`, ...lines, '']
}

function computingLines({ computing, provenance }: UrpContent, look: Look): string[] {
  const { units, availability, threads, runtime } = computing
  const title = ` ${look.style.bold('Computing')}`
  if (units.length === 0) {
    const reason = reasonOf(provenance, ['compute', 'cpu', 'computing.availability'])
    return [title, ...wrapped(`Not known: ${reason}`, { indent: 1 })]
  }
  const threadText = `at most ${count(threads, 'unit')} at once`
  const runtimeText = runtime ? `, ${runtime} runtime` : ''
  const rows = units.map(({ unit, peakFlopsPerSecond, sustainedFactor }, column) => {
    const rate = text(writtenSi(peakFlopsPerSecond * sustainedFactor, 'FLOP/s'))
    return `  ${fitted(unit, 9)}${rate.padStart(14)}  ${freeText(columnFigures(availability, column))}`
  })
  return [
    `${title}${look.style.dim(`   free share of each unit; ${threadText}${runtimeText}`)}`,
    ...rows,
    '',
    ...mapLines(availability, {
      labels: units.map(({ unit }) => unit),
      direction: 'down',
      paint: look.paint,
    }),
  ]
}

function frequencyLines(pool: UrpContent['frequency'][number], look: Look): string[] {
  const { link, kind, blockCount, blockWidthHz, availability } = pool
  const width = blockWidthHz === undefined ? '' : ` of ${text(writtenSi(blockWidthHz, 'Hz'))}`
  const what = kind === 'spectrum' ? 'spectrum' : 'share of the link'
  return [
    ` ${look.style.bold(fitted(`Frequency, link ${link}`, 40).trimEnd())}` +
      look.style.dim(`   ${what} in ${count(blockCount, 'block')}${width}`),
    `  ${fitted('all', 9)}${''.padStart(14)}  ${freeText(wholeFigures(availability))}`,
    '',
    ...mapLines(availability, {
      labels: Array.from({ length: availability.columns }, (_, block) => `b${block}`),
      direction: 'up',
      paint: look.paint,
    }),
  ]
}

function noFrequency({ provenance }: UrpContent, style: Style): string[] {
  const names = Object.keys(provenance).filter(name => name.startsWith('frequency.'))
  const reason = reasonOf(provenance, ['link', ...names])
  return [` ${style.bold('Frequency')}`, ...wrapped(`Not known: ${reason}`, { indent: 1 })]
}

/** Over all blocks, slot by slot. */
function wholeFigures(matrix: Matrix) {
  return columnFigures(foldedMatrix(matrix, { slotsMax: matrix.rows, columnsMax: 1 }).matrix, 0)
}

function freeText(figures: ReturnType<typeof columnFigures>): string {
  if (!figures) return 'no slot'
  const { mean, least, most } = figures
  return `${percent(mean)} free, ${percent(least)} to ${percent(most)} by slot`
}

function percent(share: number): string {
  return `${String(Math.round(share * 100)).padStart(3)} %`
}

function mapLines(
  matrix: Matrix,
  o: {
    readonly labels: readonly string[]
    readonly direction: 'down' | 'up'
    readonly paint: Paint
  },
): string[] {
  const labelWidth = Math.max(4, ...o.labels.map(label => label.length))
  const {
    matrix: shown,
    slotsEach,
    columnsEach,
  } = foldedMatrix(matrix, {
    slotsMax: Math.floor((MAP_WIDTH - labelWidth - 2) / 2),
    columnsMax: MAP_LINES_MAX,
  })
  if (shown.rows === 0) return [' no slot']
  const labels = Array.from(
    { length: shown.columns },
    (_, line) => o.labels[line * columnsEach] ?? '',
  )
  const picture = renderHeatMap({ ...o, matrix: shown, labels, widthMax: MAP_WIDTH })
  const notes = [
    ...(slotsEach > 1 ? [`a column is the mean of ${slotsEach} slots`] : []),
    ...(columnsEach > 1 ? [`a line the mean of ${columnsEach}`] : []),
  ]
  const note = notes.length > 0 ? [` ${notes.join(', ')}`] : []
  return [...picture.map(line => ` ${line}`), ...note]
}

function linkLines({ link, ...figures }: UrpContent['links'][number]): string[] {
  const { downlinkBitsPerSecond, uplinkBitsPerSecond, rttMs, cell, channel } = figures
  const rate = (value: number) => writtenSi(value, 'bit/s')
  return [
    ...quantityLine(link, 'downlink goodput', downlinkBitsPerSecond, rate),
    ...quantityLine(link, 'uplink goodput', uplinkBitsPerSecond, rate),
    ...quantityLine(link, 'round trip', rttMs, writtenMs),
    ...(cell ? [airLine(link, 'cell', cellText(cell))] : []),
    ...(channel ? [airLine(link, 'channel', channelText(channel))] : []),
  ]
}

function airLine(link: string, what: string, said: string): string {
  return `  ${fitted(link, 9)}${fitted(what, 17)}${said}`.slice(0, 80)
}

function cellText({ technology, band, downlinkHz, rsrpDbm, rssiDbm, sinrDb }: CellFigures): string {
  const parts = [
    technology,
    band === undefined ? undefined : `band ${band}`,
    downlinkHz === undefined ? undefined : text(writtenSi(downlinkHz, 'Hz')),
    rsrpDbm === undefined ? undefined : `RSRP ${rsrpDbm} dBm`,
    rsrpDbm === undefined && rssiDbm !== undefined ? `RSSI ${rssiDbm} dBm` : undefined,
    sinrDb === undefined ? undefined : `SINR ${sinrDb} dB`,
  ]
  return parts.filter(part => part !== undefined).join(', ')
}

function channelText({ frequencyHz, busyShare, heardSeconds }: ChannelFigures): string {
  const busy = `${(busyShare * 100).toFixed(1)} % busy over ${writtenNumber(heardSeconds)} s`
  return `${frequencyHz / 1e6} MHz, ${busy}`
}

function writtenMs(value: number): Written {
  return { value: writtenNumber(value), unit: 'ms', base: { value, unit: 'ms' } }
}

function quantityLine(
  name: string,
  what: string,
  quantity: Quantity | undefined,
  written: (value: number) => Written,
): string[] {
  if (!quantity) return []
  const { p10, p50, p90, n, method } = quantity
  const spread = `${rangeText(written(p10), written(p90))}, n ${n}`
  const head = `  ${fitted(name, 9)}${fitted(what, 17)}${text(written(p50)).padStart(12)}  ${spread}`
  return [head, `${' '.repeat(11)}${method}`]
}

function sensingLine(figures: UrpContent['sensing'][number]): string {
  const { sensor, kind, form, rowsPerSecond, bytesPerSecond, dropShare } = figures
  const rate = `${writtenNumber(rowsPerSecond)} rows/s of ${formText(form)}, ${text(writtenBytes(bytesPerSecond))}/s`
  const dropped = dropShare > 0 ? `, ${(dropShare * 100).toFixed(1)} % dropped` : ', none dropped'
  return `  ${fitted(sensor, 14)} ${fitted(kind, 14)} ${rate}${dropped}`.slice(0, 80)
}

function boardLines({ memory, energy, clock, cost }: UrpContent): string[] {
  const row = (name: string, value: string) => `  ${name.padEnd(16)}${value}`
  return [
    ...(memory
      ? [
          row(
            'memory',
            `${text(writtenBytes(memory.availableBytes))} offered ` +
              `of ${text(writtenBytes(memory.totalBytes))}` +
              (memory.availability
                ? `, ${percent(columnFigures(memory.availability, 0)?.mean ?? 0).trim()} free`
                : ''),
          ),
        ]
      : []),
    ...(energy?.powerWatts === undefined
      ? []
      : [row('power', `${writtenNumber(energy.powerWatts)} W`)]),
    ...(clock
      ? [
          row(
            'clock',
            `${writtenOffset(clock.offsetMs)} to the controller's, ±${writtenNumber(clock.errorMs)} ms` +
              (clock.driftPpm === undefined ? '' : `, drifts ${clock.driftPpm} ppm`),
          ),
        ]
      : []),
    ...(cost
      ? [
          row(
            'measuring cost',
            `${text(writtenBytes(cost.bytesSpent))} and ${writtenNumber(cost.cpuSecondsSpent)} ` +
              `CPU s so far; last round ${text(writtenBytes(cost.lastRound.bytesSpent))}, ` +
              `${writtenNumber(cost.lastRound.cpuSecondsSpent)} s`,
          ),
        ]
      : []),
  ]
}

/** The unit once where it is the same. */
function rangeText(from: Written, to: Written): string {
  return from.unit === to.unit ? `${from.value} to ${text(to)}` : `${text(from)} to ${text(to)}`
}

/** Two hours are 7.20 million ms: said in s from 10 s on, where no ms counts to a reader. */
function writtenOffset(offsetMs: number): string {
  const sign = offsetMs < 0 ? '-' : '+'
  const size = Math.abs(offsetMs)
  return size < 10_000 ? `${sign}${writtenNumber(size)} ms` : `${sign}${(size / 1000).toFixed(1)} s`
}

function provenanceLines(
  provenance: Readonly<Record<string, Provenance>>,
  startsAtMs: number,
): string[] {
  return Object.entries(provenance).flatMap(([name, entry]) => {
    const age = startsAtMs - Date.parse(entry.measuredAt)
    const when = age >= 0 ? `${writtenDuration(age)} before` : 'later'
    const samples = entry.samples === undefined ? '' : `, n\u00a0${entry.samples}`
    const what = `${entry.method ?? entry.reason ?? ''}${samples}`
    const [first = '', ...rest] = wrapped(what, { indent: 34, right: 16 })
    return [
      `  ${fitted(name, 22)}  ${entry.status.padEnd(7)} ${first.trimStart().padEnd(30)} ` +
        when.padStart(14),
      ...rest,
    ]
  })
}

function reasonOf(
  provenance: Readonly<Record<string, Provenance>>,
  names: readonly string[],
): string {
  return names.map(name => provenance[name]?.reason).find(Boolean) ?? 'not measured'
}

function text({ value, unit }: Written): string {
  return `${value} ${unit}`
}

function timeOf(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ')
}
