import { cellOf, type Matrix } from '../../protocol/matrix.ts'
import { type UrpContent, urpDocument } from '../../protocol/urp-series/urp-document.ts'

/** How the free share of one unit, block or the memory changed. */
export interface MatrixChange {
  readonly kind: 'computing' | 'frequency' | 'memory'
  readonly name: string
  readonly before: number
  readonly after: number
  /** The cell that changed most, and by how much. */
  readonly slot: number
  readonly slotChange: number
}

/** A figure or a word that is not the same; undefined where it is not there. */
export interface ValueChange {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

export interface UrpDifferences {
  readonly matrices: readonly MatrixChange[]
  readonly values: readonly ValueChange[]
  /** Matrices that cannot be compared cell by cell, and why. */
  readonly notes: readonly string[]
}

/** Of every document another one, and no change of what the board can do. */
const IGNORED =
  /(^|\.)(session|sequence|sentAt|crId|validUntil|measuredAt|durationMs|availability)$/

/** What changed from one URP to another, and by how much. */
export function differencesOf(before: UrpContent, after: UrpContent): UrpDifferences {
  const pairs = matrixPairs(before, after)
  const comparable = pairs.filter(({ a, b }) => a.rows === b.rows)
  return {
    matrices: comparable
      .map(({ kind, name, a, b, columns }) => changeOf({ kind, name }, { a, b, columns }))
      .filter(change => change.slotChange !== 0),
    values: valueChanges(before, after),
    notes: [
      ...new Set(
        pairs
          .filter(({ a, b }) => a.rows !== b.rows)
          .map(({ kind, a, b }) => `${kind}: ${a.rows} slots and ${b.rows} are not compared`),
      ),
    ],
  }
}

interface MatrixPair {
  readonly kind: MatrixChange['kind']
  readonly name: string
  readonly a: Matrix
  readonly b: Matrix
  readonly columns: readonly [number, number]
}

function matrixPairs(before: UrpContent, after: UrpContent): MatrixPair[] {
  const units = before.computing.units.flatMap(({ unit }, column) => {
    const other = after.computing.units.findIndex(candidate => candidate.unit === unit)
    const [a, b] = [before.computing.availability, after.computing.availability]
    return other === -1
      ? []
      : [{ kind: 'computing' as const, name: unit, a, b, columns: [column, other] as const }]
  })
  const blocks = before.frequency.flatMap(({ link, availability: a }) => {
    const b = after.frequency.find(pool => pool.link === link)?.availability
    if (!b) return []
    return Array.from({ length: Math.min(a.columns, b.columns) }, (_, column) => ({
      kind: 'frequency' as const,
      name: `${link}/b${column}`,
      a,
      b,
      columns: [column, column] as const,
    }))
  })
  const [a, b] = [before.memory?.availability, after.memory?.availability]
  const memory =
    a && b ? [{ kind: 'memory' as const, name: 'memory', a, b, columns: [0, 0] as const }] : []
  return [...units, ...blocks, ...memory]
}

function changeOf(
  of: Pick<MatrixChange, 'kind' | 'name'>,
  { a, b, columns }: Pick<MatrixPair, 'a' | 'b' | 'columns'>,
): MatrixChange {
  let [sumBefore, sumAfter, slot, slotChange] = [0, 0, 0, 0]
  for (let row = 0; row < a.rows; row++) {
    const [x, y] = [cellOf(a, row, columns[0]), cellOf(b, row, columns[1])]
    sumBefore += x
    sumAfter += y
    if (Math.abs(y - x) > Math.abs(slotChange)) {
      slot = row
      slotChange = y - x
    }
  }
  const count = Math.max(1, a.rows)
  return { ...of, before: sumBefore / count, after: sumAfter / count, slot, slotChange }
}

function valueChanges(before: UrpContent, after: UrpContent): ValueChange[] {
  const [a, b] = [leavesOf(urpDocument(before)), leavesOf(urpDocument(after))]
  return [...new Set([...a.keys(), ...b.keys()])]
    .map(path => ({ path, before: a.get(path), after: b.get(path) }))
    .filter(change => change.before !== change.after)
}

/** Every figure and word by its path; lists whose entries have a name are told by it. */
function leavesOf(value: unknown, path = '', leaves = new Map<string, unknown>()) {
  if (IGNORED.test(path)) return leaves
  if (typeof value !== 'object' || value === null) {
    leaves.set(path, value)
    return leaves
  }
  for (const [key, entry] of Object.entries(value)) {
    const name = Array.isArray(value) ? (nameOf(entry) ?? key) : key
    leavesOf(entry, path === '' ? name : `${path}.${name}`, leaves)
  }
  return leaves
}

function nameOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  for (const key of ['unit', 'link', 'sensor', 'row', 'reason']) {
    if (key in entry) return String(Reflect.get(entry, key))
  }
  return undefined
}
