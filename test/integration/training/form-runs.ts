import type { Tensor } from 'onnxruntime-node'
import { onTestFinished } from 'vitest'
import type { ParameterInfo } from '../../../training/forward/forward-graph.ts'
import {
  createOptimizer,
  type OptimizerOptions,
  optimizerSchema,
} from '../../../training/optimizer/registry.ts'
import { floatOutput, loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'

export type Feeds = Readonly<Record<string, Tensor>>

/** A graph as a function of its inputs. */
export async function openGraph(bytes: Uint8Array) {
  const ort = await loadOrt()
  const session = await openOrtSession(ort, bytes)
  onTestFinished(() => session.release())
  return {
    run: (feeds: Feeds) => session.run(feeds),
    inputNames: session.inputNames,
    outputNames: session.outputNames,
  }
}

export async function floatTensor(values: Float32Array, shape: readonly number[]): Promise<Tensor> {
  const { Tensor } = await loadOrt()
  return new Tensor('float32', values, shape)
}

export async function intTensor(values: Int32Array, shape: readonly number[]): Promise<Tensor> {
  const { Tensor } = await loadOrt()
  return new Tensor('int32', values, shape)
}

interface StateRole {
  readonly input: string
  readonly output: string
}

interface TrainedRoles extends StateRole, ParameterInfo {
  readonly slots: readonly StateRole[]
}

/** Parameters and slots of a form that moves them, from one run to the next. */
export class HeldStates {
  readonly #roles: readonly TrainedRoles[]
  readonly #feeds = new Map<string, Tensor>()

  private constructor(roles: readonly TrainedRoles[]) {
    this.#roles = roles
  }

  static async start(roles: readonly TrainedRoles[], values: Float32Array): Promise<HeldStates> {
    const held = new HeldStates(roles)
    for (const { input, slots, shape, offset, count } of roles) {
      const part = values.slice(offset, offset + count)
      held.#feeds.set(input, await floatTensor(part, shape))
      for (const slot of slots) {
        held.#feeds.set(slot.input, await floatTensor(new Float32Array(count), shape))
      }
    }
    return held
  }

  feeds(): Feeds {
    return Object.fromEntries(this.#feeds)
  }

  take(ran: Readonly<Record<string, Tensor>>): void {
    for (const { input, output } of this.#roles.flatMap(role => [role, ...role.slots])) {
      const tensor = ran[output]
      if (!tensor) throw new Error(`the run gives no ${output}`)
      this.#feeds.set(input, tensor)
    }
  }

  byName(): ReadonlyMap<string, Float32Array> {
    const held = this.feeds()
    return new Map(this.#roles.map(({ name, input }) => [name, floatOutput(held, input)]))
  }

  parameters(): Float32Array {
    return Float32Array.from([...this.byName().values()].flatMap(values => [...values]))
  }
}

/** The scalars of each step, as the optimizer wants them. */
export function scalarsOf(options: OptimizerOptions, steps: number, learningRate: number) {
  const optimizer = createOptimizer(optimizerSchema.parse(options))
  return Array.from({ length: steps }, (_, index) => optimizer.scalarsAt(index + 1, learningRate))
}

/** The scalars of one step as the inputs of a form that makes one. */
export async function scalarFeeds(
  names: readonly string[],
  values: readonly number[],
): Promise<Feeds> {
  const feeds: Record<string, Tensor> = {}
  for (const [index, name] of names.entries()) {
    feeds[name] = await floatTensor(Float32Array.of(values[index] ?? Number.NaN), [])
  }
  return feeds
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers against ${b.length}`)
  return Array.from(a, (value, index) => Math.abs(value - (b[index] ?? Number.NaN))).reduce(
    (largest, difference) =>
      difference > largest || Number.isNaN(difference) ? difference : largest,
    0,
  )
}
