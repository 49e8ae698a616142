import { cellOf, type Matrix } from '../../protocol/matrix.ts'
import type { RecordedUrp } from '../../protocol/urp-series/series-format.ts'
import type { CsvCell } from '../../runtime/csv.ts'
import { columnFigures } from './folded-matrix.ts'

/** One column of one matrix of a URP. */
interface Column {
  readonly kind: 'computing' | 'frequency' | 'memory'
  /** Unit, `link/b3`, or memory. */
  readonly name: string
  readonly matrix: Matrix
  readonly column: number
  /** What a cell of 1 gives, in `unit`. */
  readonly capacity?: { readonly value: number; readonly unit: string } | undefined
}

export type Per = 'slot' | 'unit'

export const COLUMNS: Readonly<Record<Per, readonly string[]>> = {
  slot: [
    'receivedAt',
    'agentId',
    'crId',
    'slot',
    'slotStartsAt',
    'kind',
    'name',
    'free',
    'capacity',
    'capacityUnit',
  ],
  unit: [
    'receivedAt',
    'agentId',
    'crId',
    'crStartsAt',
    'slots',
    'slotMs',
    'kind',
    'name',
    'freeMean',
    'freeLeast',
    'freeMost',
    'capacity',
    'capacityUnit',
  ],
}

/** Rows of one URP: one a cell of its matrices, or one a unit, block and memory. */
export function* rowsOfUrp(entry: RecordedUrp, per: Per): Generator<readonly CsvCell[]> {
  for (const column of columnsOf(entry)) {
    if (per === 'slot') yield* slotRows(entry, column)
    else yield unitRow(entry, column)
  }
}

function* slotRows({ receivedAt, agentId, urp }: RecordedUrp, of: Column) {
  const startsAtMs = startOf(urp)
  for (let slot = 0; slot < of.matrix.rows; slot++) {
    yield [
      receivedAt,
      agentId,
      urp.crId,
      slot,
      new Date(startsAtMs + slot * urp.slotMs).toISOString(),
      of.kind,
      of.name,
      rounded(cellOf(of.matrix, slot, of.column)),
      of.capacity?.value,
      of.capacity?.unit,
    ]
  }
}

function unitRow({ receivedAt, agentId, urp }: RecordedUrp, of: Column): readonly CsvCell[] {
  const figures = columnFigures(of.matrix, of.column)
  return [
    receivedAt,
    agentId,
    urp.crId,
    new Date(startOf(urp)).toISOString(),
    urp.slots,
    urp.slotMs,
    of.kind,
    of.name,
    figures && rounded(figures.mean),
    figures && rounded(figures.least),
    figures && rounded(figures.most),
    of.capacity?.value,
    of.capacity?.unit,
  ]
}

function columnsOf({ urp }: RecordedUrp): Column[] {
  const { computing, frequency, memory } = urp
  const units = computing.units.map(({ unit, peakFlopsPerSecond, sustainedFactor }, column) => ({
    kind: 'computing' as const,
    name: unit,
    matrix: computing.availability,
    column,
    capacity: { value: peakFlopsPerSecond * sustainedFactor, unit: 'FLOP/s' },
  }))
  const blocks = frequency.flatMap(({ link, availability, blockWidthHz }) =>
    Array.from({ length: availability.columns }, (_, column) => ({
      kind: 'frequency' as const,
      name: `${link}/b${column}`,
      matrix: availability,
      column,
      capacity: blockWidthHz === undefined ? undefined : { value: blockWidthHz, unit: 'Hz' },
    })),
  )
  const memories = memory?.availability
    ? [
        {
          kind: 'memory' as const,
          name: 'memory',
          matrix: memory.availability,
          column: 0,
          capacity: { value: memory.totalBytes, unit: 'B' },
        },
      ]
    : []
  return [...units, ...blocks, ...memories]
}

function startOf({ validUntil, slots, slotMs }: RecordedUrp['urp']): number {
  return Date.parse(validUntil) - slots * slotMs
}

/** As precise as a half is. */
function rounded(share: number): number {
  return Number(share.toPrecision(5))
}
