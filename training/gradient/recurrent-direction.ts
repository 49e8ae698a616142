import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr, findAttribute, intAttribute, stringAttribute } from '../onnx/attribute.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { ForwardNode } from './gradient-rule.ts'

/** One direction of a recurrent layer, its gates side by side: [S · B, …] is one row a step and sample. */
export interface Direction {
  readonly graph: GraphEmitter
  readonly hidden: number
  /** Times in the order of computation. */
  readonly order: readonly number[]
  /** [S · B, inputs] */
  readonly x: ValueName
  /** [S · B, hidden]: the hidden state before each step. */
  readonly previous: ValueName
  /** [gates · hidden, inputs] and [gates · hidden, hidden] */
  readonly w: ValueName
  readonly r: ValueName
  /** [gates · hidden], of the inputs and of the hidden state; undefined where the layer has none. */
  readonly inputBias: ValueName | undefined
  readonly hiddenBias: ValueName | undefined
  /** [B, hidden], before the first step; the LSTM's. */
  readonly initialCell: ValueName
  /** [3 · hidden], of the gates i, o and f; the LSTM's. */
  readonly peepholes: ValueName | undefined
  /** [S, B, hidden]; [B, hidden], 0 where the loss does not depend on the last state. */
  readonly dy: ValueName | undefined
  readonly dyHidden: ValueName
  readonly dyCell: ValueName
}

export interface DirectionGradients {
  /** [S · B, gates · hidden]: of what comes from the inputs, before the activations. */
  readonly dInput: ValueName
  /** [gates · hidden, hidden] */
  readonly dr: ValueName
  /** [gates · hidden] */
  readonly dHiddenBias: ValueName
  /** [B, hidden] */
  readonly dInitialHidden: ValueName
  readonly dInitialCell?: ValueName
  /** [3 · hidden] */
  readonly dPeepholes?: ValueName
}

/**
 * The gradients of LSTM and GRU (ONNX Operators.md, LSTM-14, GRU-14). The hidden states are outputs of
 * the forward node, so that the gates of all steps are computed again at once and only what truly
 * goes from step to step is unrolled, which takes static lengths.
 */
export function throughDirections(
  forward: ForwardNode,
  graph: GraphEmitter,
  rule: {
    readonly activations: readonly string[]
    readonly cell: (direction: Direction) => DirectionGradients
  },
): (ValueName | null)[] {
  const { node, opType, inputs } = forward
  const [x, w, r, b] = inputs
  if (!x || !w || !r) throw new RangeError(`${opType} takes at least three inputs`)
  refuseOtherForms(forward, graph, rule.activations)
  const [steps = 0, batch = 0, inputSize = 0] = graph.shape(x)
  const directions = readDirections(forward, graph)
  const made = directions.map(direction => rule.cell(direction))
  const stacked = (parts: readonly ValueName[]) =>
    joined(
      graph,
      parts.map(part => graph.reshape(part, [1, ...graph.shape(part)])),
    )
  const dx = made
    .map(({ dInput }, index) => graph.emit('Gemm', [dInput, directions[index]?.w ?? '']))
    .reduce((sum, part) => graph.add(sum, part))
  const dw = made.map(({ dInput }, index) =>
    transposedProduct(graph, dInput, directions[index]?.x ?? ''),
  )
  const db = made.map(({ dInput, dHiddenBias }) =>
    joined(graph, [sumOfRows(graph, dInput), dHiddenBias]),
  )
  const dInitialCells = made.flatMap(({ dInitialCell }) => dInitialCell ?? [])
  const dPeepholes = made.flatMap(({ dPeepholes }) => dPeepholes ?? [])
  const gradients = [
    graph.reshape(dx, [steps, batch, inputSize]),
    stacked(dw),
    stacked(made.map(({ dr }) => dr)),
    b ? stacked(db) : null,
    null,
    inputs[5] ? stacked(made.map(({ dInitialHidden }) => dInitialHidden)) : null,
    inputs[6] && dInitialCells.length > 0 ? stacked(dInitialCells) : null,
    dPeepholes.length > 0 ? stacked(dPeepholes) : null,
  ]
  return gradients.slice(0, node.input.length)
}

function refuseOtherForms(
  { node, inputs }: ForwardNode,
  graph: GraphEmitter,
  activations: readonly string[],
): void {
  const [x = '', , , , lengths] = inputs
  const given = findAttribute(node, 'activations')?.strings ?? []
  const names = given.map(name => new TextDecoder().decode(name).toLowerCase())
  const steps = graph.shape(x)[0] ?? 0
  const refused = [
    [findAttribute(node, 'clip') !== undefined, 'a clip'],
    [intAttribute(node, 'input_forget', 0) !== 0, 'coupled input and forget gates (input_forget)'],
    [
      Boolean(lengths) && !graph.constantInts(lengths ?? '')?.every(length => length === steps),
      'sequences of different lengths (sequence_lens)',
    ],
    [
      names.some((name, index) => name !== activations[index % activations.length]),
      `activations [${names}]`,
    ],
  ] as const
  for (const [isGiven, what] of refused) {
    if (isGiven) throw new RangeError(`${what}: not known here`)
  }
}

function readDirections(forward: ForwardNode, graph: GraphEmitter): readonly Direction[] {
  const { node, inputs, outputs, outputGradients } = forward
  const [x = '', w = '', r = '', b, , initialHidden, initialCell, peepholes] = inputs
  const [dy, dyHidden, dyCell] = outputGradients
  const [steps = 0, batch = 0, inputSize = 0] = graph.shape(x)
  const [directions = 1, gates = 0, hidden = 0] = graph.shape(r)
  const y = graph.optionalOutput(outputs.find(output => output !== '') ?? '', 0)
  const isReverse = stringAttribute(node, 'direction', 'forward') === 'reverse'
  const times = Array.from({ length: steps }, (_, time) => time)
  return Array.from({ length: directions }, (_, index) => {
    const pick = (value: ValueName | undefined, axis = 0) =>
      value ? along(graph, value, { axis, index }) : undefined
    const backwards = isReverse || index === 1
    const zeros = graph.emit('Expand', [graph.scalar(0, x), graph.ints([batch, hidden])])
    const bias = pick(b)
    return {
      graph,
      hidden,
      order: backwards ? times.toReversed() : times,
      x: graph.reshape(x, [steps * batch, inputSize]),
      previous: statesBefore(graph, {
        states: pick(y, 1) ?? '',
        initial: pick(initialHidden) ?? zeros,
        backwards,
      }),
      w: pick(w) ?? '',
      r: pick(r) ?? '',
      inputBias: bias && columns(graph, bias, { axis: 0, from: 0, to: gates }),
      hiddenBias: bias && columns(graph, bias, { axis: 0, from: gates, to: 2 * gates }),
      initialCell: pick(initialCell) ?? zeros,
      peepholes: pick(peepholes),
      dy: pick(dy, 1),
      dyHidden: pick(dyHidden) ?? zeros,
      dyCell: pick(dyCell) ?? zeros,
    }
  })
}

/** [S · B, hidden]: the state that each step began with. */
function statesBefore(
  graph: GraphEmitter,
  given: {
    /** [S, B, hidden] */
    readonly states: ValueName
    readonly initial: ValueName
    readonly backwards: boolean
  },
): ValueName {
  const { states, initial, backwards } = given
  const [steps = 0, batch = 0, hidden = 0] = graph.shape(states)
  const first = graph.reshape(initial, [1, batch, hidden])
  const kept = backwards ? { from: 1, to: steps } : { from: 0, to: steps - 1 }
  const others = columns(graph, states, { axis: 0, ...kept })
  const all = joined(graph, backwards ? [others, first] : [first, others])
  return graph.reshape(all, [steps * batch, hidden])
}

/** One index of an axis, which is dropped. */
export function along(
  graph: GraphEmitter,
  x: ValueName,
  { axis, index }: { readonly axis: number; readonly index: number },
): ValueName {
  const shape = graph.shape(x)
  if (shape[axis] === 1) return graph.reshape(x, shape.toSpliced(axis, 1))
  return graph.emit(
    'Gather',
    [x, graph.constant(ELEMENT.int64, [], [index])],
    [attr.int('axis', axis)],
  )
}

/** A stretch of an axis. */
export function columns(
  graph: GraphEmitter,
  x: ValueName,
  { axis, from, to }: { readonly axis: number; readonly from: number; readonly to: number },
): ValueName {
  return graph.emit('Slice', [x, ...[from, to, axis].map(value => graph.ints([value]))])
}

export function joined(graph: GraphEmitter, parts: readonly ValueName[], axis = 0): ValueName {
  const [first] = parts
  if (parts.length === 1 && first) return first
  return graph.emit('Concat', parts, [attr.int('axis', axis)])
}

/** aᵀ · b */
export function transposedProduct(graph: GraphEmitter, a: ValueName, b: ValueName): ValueName {
  return graph.emit('Gemm', [a, b], [attr.int('transA', 1)])
}

/** x · wᵀ + bias */
export function affine(
  graph: GraphEmitter,
  given: {
    readonly x: ValueName
    readonly w: ValueName
    readonly bias: ValueName | undefined
  },
): ValueName {
  const { x, w, bias } = given
  return graph.emit('Gemm', bias ? [x, w, bias] : [x, w], [attr.int('transB', 1)])
}

export function sumOfRows(graph: GraphEmitter, x: ValueName): ValueName {
  return graph.sumAway(x, [0])
}

/** Of the state after a step: from later steps and from the outputs at that time. */
export function hiddenGradient(
  { graph, dy }: Direction,
  { time, dHidden }: { readonly time: number; readonly dHidden: ValueName },
): ValueName {
  return dy ? graph.add(dHidden, along(graph, dy, { axis: 0, index: time })) : dHidden
}

/** Rows of steps, [B, n] each, as [S · B, n] in the order of time. */
export function inTime(graph: GraphEmitter, rows: ReadonlyMap<number, ValueName>): ValueName {
  const times = [...rows.keys()].toSorted((a, b) => a - b)
  return joined(
    graph,
    times.map(time => rows.get(time) ?? ''),
  )
}

/** [S · B, n] as [S, B, n] */
export function stepped(graph: GraphEmitter, rows: ValueName, steps: number): ValueName {
  const [count = 0, width = 0] = graph.shape(rows)
  return graph.reshape(rows, [steps, count / steps, width])
}

/** σ' = σ(1 − σ), of the σ given. */
export function slopeOfSigmoid(graph: GraphEmitter, y: ValueName): ValueName {
  return graph.mul(y, graph.sub(graph.scalar(1, y), y))
}

/** tanh' = 1 − tanh², of the tanh given. */
export function slopeOfTanh(graph: GraphEmitter, y: ValueName): ValueName {
  return graph.sub(graph.scalar(1, y), graph.mul(y, y))
}
