import { attr, intAttribute, stringAttribute } from '../../../../training/onnx/attribute.ts'
import type { NodeProto } from '../../../../training/onnx/onnx-proto.ts'
import type { Float64Tensor, ReferenceCase, ReferenceOperator } from '../reference-check.ts'
import { given, place } from './reference-loops.ts'

/** One step of one sample: the new state from the sums of each gate. */
type Cell = (given: {
  /** x·Wᵀ + b and h·Rᵀ + b of unit j of a gate. */
  readonly fromInput: (gate: number, j: number) => number
  readonly fromHidden: (gate: number, j: number, hidden?: readonly number[]) => number
  readonly hidden: readonly number[]
  readonly cell: readonly number[]
  /** The weight from the cell to unit j of a gate. */
  readonly peephole: (gate: number, j: number) => number
}) => { readonly hidden: readonly number[]; readonly cell: readonly number[] }

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/** ONNX Operators.md, LSTM-14: gates in the order i, o, f, c; those of peepholes i, o, f. */
const lstmCell: Cell = ({ fromInput, fromHidden, hidden, cell, peephole }) => {
  const sum = (gate: number, j: number) => fromInput(gate, j) + fromHidden(gate, j)
  const next = cell.map((c, j) => {
    const [i, f] = [sum(0, j) + peephole(0, j) * c, sum(2, j) + peephole(2, j) * c]
    return sigmoid(f) * c + sigmoid(i) * Math.tanh(sum(3, j))
  })
  const shown = hidden.map((_, j) => {
    const c = next[j] ?? Number.NaN
    return sigmoid(sum(1, j) + peephole(1, j) * c) * Math.tanh(c)
  })
  return { cell: next, hidden: shown }
}

/** GRU-14: gates in the order z, r, h. */
function gruCell(node: NodeProto): Cell {
  const resetsAfter = intAttribute(node, 'linear_before_reset', 0) !== 0
  return ({ fromInput, fromHidden, hidden, cell }) => {
    const gate = (index: number) =>
      hidden.map((_, j) => sigmoid(fromInput(index, j) + fromHidden(index, j)))
    const [z, r] = [gate(0), gate(1)]
    const shown = hidden.map((h, j) => h * (r[j] ?? 0))
    const next = hidden.map((h, j) => {
      const recurrent = resetsAfter ? (r[j] ?? 0) * fromHidden(2, j) : fromHidden(2, j, shown)
      const candidate = Math.tanh(fromInput(2, j) + recurrent)
      return (1 - (z[j] ?? 0)) * candidate + (z[j] ?? 0) * h
    })
    return { hidden: next, cell }
  }
}

function recurrent(cellOf: (node: NodeProto) => Cell): ReferenceOperator {
  return (inputs, node) => {
    const step = cellOf(node)
    const [x, w, r] = [given(inputs, 0), given(inputs, 1), given(inputs, 2)]
    const [b, initialHidden, initialCell, peepholes] = [3, 5, 6, 7].map(index => inputs[index])
    const [steps = 0, batch = 0, inputSize = 0] = x.shape
    const [directions = 0, gateRows = 0, size = 0] = r.shape
    const y = new Float64Array(steps * directions * batch * size)
    const last = [0, 1].map(() => new Float64Array(directions * batch * size))
    const read = (tensor: Float64Tensor | undefined, ...at: number[]) =>
      tensor ? (tensor.values[place(at, tensor.shape)] ?? Number.NaN) : 0
    const units = Array.from({ length: size }, (_, j) => j)
    for (let d = 0; d < directions; d++) {
      const backwards = d === 1 || stringAttribute(node, 'direction', 'forward') === 'reverse'
      for (let n = 0; n < batch; n++) {
        let hidden: readonly number[] = units.map(j => read(initialHidden, d, n, j))
        let cell: readonly number[] = units.map(j => read(initialCell, d, n, j))
        for (let count = 0; count < steps; count++) {
          const time = backwards ? steps - 1 - count : count
          const before = hidden
          const fromInput = (gate: number, j: number) => {
            const row = gate * size + j
            let sum = read(b, d, row)
            for (let i = 0; i < inputSize; i++) sum += read(x, time, n, i) * read(w, d, row, i)
            return sum
          }
          const fromHidden = (gate: number, j: number, shown = before) => {
            const row = gate * size + j
            const start = read(b, d, gateRows + row)
            return shown.reduce((sum, h, i) => sum + h * read(r, d, row, i), start)
          }
          const peephole = (gate: number, j: number) => read(peepholes, d, gate * size + j)
          ;({ hidden, cell } = step({ fromInput, fromHidden, hidden, cell, peephole }))
          y.set(hidden, place([time, d, n, 0], [steps, directions, batch, size]))
        }
        last[0]?.set(hidden, place([d, n, 0], [directions, batch, size]))
        last[1]?.set(cell, place([d, n, 0], [directions, batch, size]))
      }
    }
    const state = [directions, batch, size]
    return [
      { shape: [steps, directions, batch, size], values: y },
      ...last.map(values => ({ shape: state, values })),
    ]
  }
}

export const lstmReference = recurrent(() => lstmCell)
export const gruReference = recurrent(gruCell)

/** X, W, R, B and initial states of a layer with `gates` gates. */
function layer(options: {
  readonly gates: number
  readonly steps: number
  readonly batch: number
  readonly inputs: number
  readonly hidden: number
  readonly directions?: number
}) {
  const { gates, steps, batch, inputs, hidden, directions = 1 } = options
  const range = { from: -1, to: 1 }
  return {
    x: { shape: [steps, batch, inputs], ...range },
    w: { shape: [directions, gates * hidden, inputs], ...range },
    r: { shape: [directions, gates * hidden, hidden], ...range },
    b: { shape: [directions, 2 * gates * hidden], ...range },
    state: { shape: [directions, batch, hidden], ...range },
    peepholes: { shape: [directions, 3 * hidden], ...range },
    attributes: [attr.int('hidden_size', hidden)],
  }
}

const bidirectional = attr.string('direction', 'bidirectional')
const reverse = attr.string('direction', 'reverse')

const lstm = layer({ gates: 4, steps: 4, batch: 2, inputs: 3, hidden: 2 })
const lstmBoth = layer({ gates: 4, steps: 3, batch: 2, inputs: 2, hidden: 3, directions: 2 })
const lstmOnce = layer({ gates: 4, steps: 1, batch: 3, inputs: 2, hidden: 2 })

/** As Keras' exports state them, though they are the default. */
const activations = {
  ...attr.ints('activations', []),
  // AttributeProto.AttributeType STRINGS of onnx.proto.
  type: 8,
  strings: ['Sigmoid', 'Tanh', 'Tanh'].map(name => new TextEncoder().encode(name)),
}

export const lstmCases: readonly ReferenceCase[] = [
  {
    name: 'all inputs and outputs',
    inputs: [lstm.x, lstm.w, lstm.r, lstm.b, 'absent', lstm.state, lstm.state],
    attributes: lstm.attributes,
    outputs: ['y', 'hidden', 'cell'],
  },
  {
    name: 'without bias and initial states, the sequence alone',
    inputs: [lstm.x, lstm.w, lstm.r],
    attributes: lstm.attributes,
  },
  {
    name: 'the last hidden state alone',
    inputs: [lstm.x, lstm.w, lstm.r, lstm.b],
    attributes: lstm.attributes,
    outputs: ['', 'hidden'],
  },
  {
    name: 'the last cell state alone',
    inputs: [lstm.x, lstm.w, lstm.r, lstm.b, 'absent', lstm.state, lstm.state],
    attributes: lstm.attributes,
    outputs: ['', '', 'cell'],
  },
  {
    name: 'reverse',
    inputs: [lstm.x, lstm.w, lstm.r, lstm.b, 'absent', lstm.state, lstm.state],
    attributes: [...lstm.attributes, reverse],
    outputs: ['y', 'hidden', 'cell'],
  },
  {
    name: 'both directions',
    inputs: [
      lstmBoth.x,
      lstmBoth.w,
      lstmBoth.r,
      lstmBoth.b,
      'absent',
      lstmBoth.state,
      lstmBoth.state,
    ],
    attributes: [...lstmBoth.attributes, bidirectional],
    outputs: ['y', 'hidden', 'cell'],
  },
  {
    name: 'peepholes',
    inputs: [lstm.x, lstm.w, lstm.r, lstm.b, 'absent', lstm.state, lstm.state, lstm.peepholes],
    attributes: lstm.attributes,
    outputs: ['y', 'hidden', 'cell'],
  },
  {
    name: 'peepholes, both directions, no initial states',
    inputs: [
      lstmBoth.x,
      lstmBoth.w,
      lstmBoth.r,
      lstmBoth.b,
      ...(['absent', 'absent', 'absent'] as const),
      lstmBoth.peepholes,
    ],
    attributes: [...lstmBoth.attributes, bidirectional],
  },
  {
    name: 'one step, the default activations stated',
    inputs: [lstmOnce.x, lstmOnce.w, lstmOnce.r, lstmOnce.b],
    attributes: [...lstmOnce.attributes, activations],
  },
]

const gru = layer({ gates: 3, steps: 4, batch: 2, inputs: 3, hidden: 2 })
const gruBoth = layer({ gates: 3, steps: 3, batch: 2, inputs: 2, hidden: 3, directions: 2 })
const resetsAfter = attr.int('linear_before_reset', 1)

export const gruCases: readonly ReferenceCase[] = [
  ...[[], [resetsAfter]].flatMap((form): ReferenceCase[] => {
    const when = form.length === 0 ? 'reset before the product' : 'reset after the product'
    return [
      {
        name: `${when}, all inputs and outputs`,
        inputs: [gru.x, gru.w, gru.r, gru.b, 'absent', gru.state],
        attributes: [...gru.attributes, ...form],
        outputs: ['y', 'hidden'],
      },
      {
        name: `${when}, without bias, the sequence alone`,
        inputs: [gru.x, gru.w, gru.r],
        attributes: [...gru.attributes, ...form],
      },
      {
        name: `${when}, reverse, the last hidden state alone`,
        inputs: [gru.x, gru.w, gru.r, gru.b, 'absent', gru.state],
        attributes: [...gru.attributes, ...form, reverse],
        outputs: ['', 'hidden'],
      },
      {
        name: `${when}, both directions`,
        inputs: [gruBoth.x, gruBoth.w, gruBoth.r, gruBoth.b, 'absent', gruBoth.state],
        attributes: [...gruBoth.attributes, ...form, bidirectional],
        outputs: ['y', 'hidden'],
      },
    ]
  }),
]
