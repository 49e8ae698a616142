import type { Tensor } from 'onnxruntime-node'
import { GainnetError } from '../../runtime/errors.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { elementCount } from '../onnx/tensor.ts'
import type { SampleValues } from '../samples/samples.ts'
import type { Ort } from '../trainer/ort-session.ts'

/** A column of the buffer: one row a transition. */
export interface ReplayColumn {
  readonly name: string
  readonly elementType: number
  readonly sampleShape: readonly number[]
}

interface Held {
  readonly values: SampleValues
  readonly width: number
  readonly tensor: Tensor
}

/**
 * The last transitions, at most `capacity` of them: later ones take the place of the first. Runs see the
 * whole memory without a copy, and only the rows that are filled.
 */
export class ReplayBuffer {
  readonly capacity: number
  readonly #columns: ReadonlyMap<string, Held>
  #added = 0

  constructor({ Tensor }: Ort, columns: readonly ReplayColumn[], capacity: number) {
    this.capacity = capacity
    const hold = ({ elementType, sampleShape }: ReplayColumn): Held => {
      const width = elementCount(sampleShape)
      const shape = [capacity, ...sampleShape]
      if (elementType === ELEMENT.float) {
        const values = new Float32Array(capacity * width)
        return { values, width, tensor: new Tensor('float32', values, shape) }
      }
      const values = new Int32Array(capacity * width)
      return { values, width, tensor: new Tensor('int32', values, shape) }
    }
    this.#columns = new Map(columns.map(column => [column.name, hold(column)]))
  }

  /** Transitions that there are. */
  get size(): number {
    return Math.min(this.capacity, this.#added)
  }

  /** As inputs of a run, by name. */
  get tensors(): Readonly<Record<string, Tensor>> {
    return Object.fromEntries(Array.from(this.#columns, ([name, { tensor }]) => [name, tensor]))
  }

  /** One transition, a row of each column by name. Nothing is kept of one that does not fit. */
  add(rows: Readonly<Record<string, ArrayLike<number>>>): void {
    for (const [name, { width }] of this.#columns) checkRow(name, rows[name], width)
    const place = this.#added % this.capacity
    for (const [name, { values, width }] of this.#columns)
      values.set(rows[name] ?? [], place * width)
    this.#added++
  }
}

function checkRow(name: string, row: ArrayLike<number> | undefined, width: number): void {
  if (row?.length !== width) {
    throw new GainnetError(
      'TRAINING_FAILED',
      `a transition has ${row?.length ?? 'no'} numbers of ${name}, not ${width}`,
    )
  }
  const bad = Array.from(row).findIndex(value => !Number.isFinite(value))
  if (bad === -1) return
  throw new GainnetError('TRAINING_FAILED', `a transition has ${row[bad]} in ${name}`, {
    place: bad,
  })
}
