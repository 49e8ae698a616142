import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { attr, intsAttribute } from '../onnx/attribute.ts'
import { buildNode, buildValueInfo } from '../onnx/build.ts'
import { ELEMENT, type ElementType } from '../onnx/element-type.ts'
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { buildTensor, elementCount, integerValues, realValues } from '../onnx/tensor.ts'
import { usedNames } from '../onnx/used-names.ts'
import { findTypeRule } from '../types/registry.ts'
import { sameShape, type TensorType, type TypeContext } from '../types/type-rule.ts'
import { isUnchanged, type Order, swapOfLast } from './axis-order.ts'
import { foldIntegers } from './constant-folding.ts'
import { sumOfRows } from './sum-of-rows.ts'

export type ValueName = string

export type Comparison = 'Equal' | 'Greater' | 'GreaterOrEqual' | 'Less' | 'LessOrEqual'

/**
 * Builds a graph of standard operators, node by node, in the order of execution. It knows the type
 * of every value, gives unique names that depend on nothing but the order of the calls, and keeps
 * each constant once.
 */
export class GraphEmitter {
  readonly #prefix: string
  #nodes: NodeProto[] = []
  readonly #types = new Map<ValueName, TensorType>()
  readonly #constants = new Map<ValueName, TensorProto>()
  readonly #constantNames = new Map<string, ValueName>()
  readonly #nameCounts = new Map<string, number>()
  /** Of each value that a Transpose made, what it made it of. */
  readonly #turned = new Map<ValueName, { readonly from: ValueName; readonly order: Order }>()
  /** Values whose types no rule knows, but whoever added the node. */
  readonly #stated = new Set<ValueName>()

  /** The prefix keeps the names of a Scan body apart from those of the graph around it. */
  constructor(prefix = '') {
    this.#prefix = prefix
  }

  /** A name that is not taken, made of the one wished for. */
  unique(wish: string): ValueName {
    for (;;) {
      const count = this.#nameCounts.get(wish) ?? 0
      this.#nameCounts.set(wish, count + 1)
      const name = `${this.#prefix}${wish}${count === 0 ? '' : `_${count}`}`
      if (!this.#types.has(name)) return name
    }
  }

  /** Makes a value known that comes from outside of the emitted nodes. */
  declare(name: ValueName, type: TensorType): ValueName {
    if (this.#types.has(name)) {
      throw new GainnetError('MODEL_INVALID', `the value ${name} is made twice`, { value: name })
    }
    this.#types.set(name, type)
    return name
  }

  type(name: ValueName): TensorType {
    const type = this.#types.get(name)
    if (!type) throw new GainnetError('MODEL_INVALID', `nothing makes the value ${name}`)
    return type
  }

  shape(name: ValueName): readonly number[] {
    return this.type(name).shape
  }

  /** The values of a constant integer or bool tensor; undefined for anything else. */
  constantInts(name: ValueName): readonly number[] | undefined {
    const tensor = this.#constants.get(name)
    return tensor && integerValues(tensor)
  }

  /** The values of a constant float tensor; undefined for anything else. */
  constantReals(name: ValueName): readonly number[] | undefined {
    const tensor = this.#constants.get(name)
    return tensor && realValues(tensor)
  }

  /**
   * Adds a node with the names it has, or its result where that can be known at once. `known` are
   * types for an operator without a type rule.
   */
  addNode(node: NodeProto, known: (output: ValueName) => TensorType | undefined = () => undefined) {
    const context = this.#contextOf(node)
    const types = this.#inferTypes(context, known)
    const [output = '', ...others] = node.output
    const [type] = types
    const values = type && others.length === 0 ? foldIntegers(context, type) : undefined
    if (type && values) {
      const { elementType, shape } = type
      this.addConstant(
        output,
        buildTensor({ name: output, type: elementType, shape, values }),
        type,
      )
      return
    }
    this.#nodes.push(node)
    this.#noteOrder(node)
    for (const [index, name] of node.output.entries()) {
      const type = types[index]
      if (name !== '' && type) this.declare(name, type)
    }
  }

  #noteOrder(node: NodeProto): void {
    const {
      opType,
      input: [from = ''],
      output: [output = ''],
    } = node
    const order = opType === 'Transpose' ? intsAttribute(node, 'perm') : undefined
    const turned = opType === 'Identity' ? this.#turned.get(from) : order && { from, order }
    if (turned) this.#turned.set(output, turned)
  }

  #contextOf(node: NodeProto): TypeContext {
    const { input: names } = node
    const inputs = names.map(name => (name === '' ? undefined : this.type(name)))
    return {
      node,
      inputs,
      input: index => {
        const type = inputs[index]
        if (!type) throw new RangeError(`input ${index} is missing`)
        return type
      },
      constantInts: index => {
        const name = names[index]
        return name ? this.constantInts(name) : undefined
      },
      constantReals: index => {
        const name = names[index]
        return name ? this.constantReals(name) : undefined
      },
    }
  }

  #inferTypes(
    context: TypeContext,
    known: (output: ValueName) => TensorType | undefined,
  ): readonly (TensorType | undefined)[] {
    const { node } = context
    const { opType = '', domain = '' } = node
    const rule = domain === '' ? findTypeRule(opType) : undefined
    if (!rule) {
      return node.output.map(output => {
        const type = known(output)
        if (type) {
          this.#stated.add(output)
          return type
        }
        throw new GainnetError(
          'MODEL_INVALID',
          `node ${node.name} (${opType}) has no type rule in training/types/ and the model ` +
            `does not state the shape of ${output}`,
          { node: node.name, opType },
        )
      })
    }
    try {
      return rule(context)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new GainnetError(
        'MODEL_INVALID',
        `node ${node.name} (${opType}): ${messageOf(error)}`,
        { node: node.name, opType },
        { cause: error },
      )
    }
  }

  /** Adds a node with one output and returns the name of that. */
  emit(
    opType: string,
    inputs: readonly ValueName[],
    attributes: readonly AttributeProto[] = [],
  ): ValueName {
    const output = this.unique(opType)
    this.addNode(buildNode({ opType, inputs, outputs: [output], attributes }))
    return output
  }

  /** The nodes that `make` emits, beside its result: what the walker goes through, and nothing else. */
  record<Made>(make: () => Made): { readonly made: Made; readonly nodes: readonly NodeProto[] } {
    const start = this.#nodes.length
    const made = make()
    return { made, nodes: this.#nodes.slice(start) }
  }

  /**
   * An optional output of the node that makes `made`, which is asked for now if it was not before: so
   * the backward pass can use what the forward pass knows, the indices of a MaxPool, say.
   */
  optionalOutput(made: ValueName, index: number): ValueName {
    const place = this.#nodes.findIndex(({ output }) => output.includes(made))
    const node = this.#nodes[place]
    if (!node) throw new RangeError(`no node makes ${made}`)
    const known = node.output[index]
    if (known) return known
    const name = this.unique(`${node.opType}.output`)
    const output = Array.from({ length: Math.max(node.output.length, index + 1) }, (_, position) =>
      position === index ? name : (node.output[position] ?? ''),
    )
    const extended = { ...node, output }
    const type = this.#inferTypes(this.#contextOf(extended), () => undefined)[index]
    if (!type) throw new RangeError(`${node.opType} has no output ${index}`)
    this.#nodes[place] = extended
    return this.declare(name, type)
  }

  /** Makes a tensor of the model a constant of this graph under the given name. */
  addConstant(name: ValueName, tensor: TensorProto, type: TensorType): void {
    this.declare(name, type)
    this.#constants.set(name, { ...tensor, name })
  }

  constant(
    elementType: ElementType,
    shape: readonly number[],
    values: readonly number[],
  ): ValueName {
    const key = `${elementType} [${shape}] ${values.map(v => (Object.is(v, -0) ? '-0' : v))}`
    const known = this.#constantNames.get(key)
    if (known !== undefined) return known
    const name = this.unique('constant')
    const tensor = buildTensor({ name, type: elementType, shape, values })
    this.addConstant(name, tensor, { elementType, shape })
    this.#constantNames.set(key, name)
    return name
  }

  /** A constant with no axes, of the same element type as the value it will be combined with. */
  scalar(value: number, like: ValueName): ValueName {
    return this.constant(this.type(like).elementType, [], [value])
  }

  /** Shapes, axes and positions. */
  ints(values: readonly number[]): ValueName {
    return this.constant(ELEMENT.int64, [values.length], values)
  }

  zeros(shape: readonly number[], like: ValueName): ValueName {
    const { elementType } = this.type(like)
    const zero = buildTensor({ name: '', type: elementType, shape: [1], values: [0] })
    return this.emit('ConstantOfShape', [this.ints(shape)], [attr.tensor('value', zero)])
  }

  add(a: ValueName, b: ValueName): ValueName {
    return this.emit('Add', [a, b])
  }

  sub(a: ValueName, b: ValueName): ValueName {
    return this.emit('Sub', [a, b])
  }

  mul(a: ValueName, b: ValueName): ValueName {
    return this.emit('Mul', [a, b])
  }

  div(a: ValueName, b: ValueName): ValueName {
    return this.emit('Div', [a, b])
  }

  neg(x: ValueName): ValueName {
    return this.emit('Neg', [x])
  }

  /** `a` where the condition holds, else `b`. */
  where(condition: ValueName, a: ValueName, b: ValueName): ValueName {
    return this.emit('Where', [condition, a, b])
  }

  /** 1 where the comparison holds, else 0, in the element type of `a`. */
  mask(comparison: Comparison, a: ValueName, b: ValueName): ValueName {
    return this.cast(this.emit(comparison, [a, b]), this.type(a).elementType)
  }

  matMul(a: ValueName, b: ValueName): ValueName {
    return this.emit('MatMul', [a, b])
  }

  cast(x: ValueName, to: ElementType): ValueName {
    return this.type(x).elementType === to ? x : this.emit('Cast', [x], [attr.int('to', to)])
  }

  reshape(x: ValueName, shape: readonly number[]): ValueName {
    if (sameShape(this.shape(x), shape)) return x
    // An empty axis would otherwise be read as "as before".
    const attributes = shape.includes(0) ? [attr.int('allowzero', 1)] : []
    return this.emit('Reshape', [x, this.ints(shape)], attributes)
  }

  transpose(x: ValueName, order: Order): ValueName {
    if (isUnchanged(order)) return x
    const turned = this.#turned.get(x)
    if (turned && isUnchanged(order.map(axis => turned.order[axis] ?? 0))) return turned.from
    return this.emit('Transpose', [x], [attr.ints('perm', order)])
  }

  /**
   * Swaps the last two axes. ORT makes that an attribute of the products that take it, unless it first
   * makes it one with a Transpose in front: a Reshape that changes nothing keeps the two apart.
   */
  transposeMatrices(x: ValueName): ValueName {
    const order = swapOfLast(this.shape(x).length)
    if (!this.#turned.has(x) || this.isOfTransposedMatrices(x)) return this.transpose(x, order)
    const apart = this.emit('Reshape', [x, this.ints(this.shape(x))])
    const swapped = this.transpose(apart, order)
    this.#turned.set(swapped, { from: x, order })
    return swapped
  }

  /** Whether x is another value with the last two axes swapped, which transposeMatrices undoes. */
  isOfTransposedMatrices(x: ValueName): boolean {
    const { order } = this.#turned.get(x) ?? {}
    return order !== undefined && sameShape(order, swapOfLast(order.length))
  }

  /** Sums over the axes and keeps them with size one. */
  sum(x: ValueName, axes: readonly number[]): ValueName {
    if (axes.length === 0) return x
    return this.emit('ReduceSum', [x, this.ints(axes)], [attr.int('keepdims', 1)])
  }

  /** Sums over the axes, which go. */
  sumAway(x: ValueName, axes: readonly number[]): ValueName {
    if (axes.length === 0) return x
    const summed = sumOfRows(this, x, axes)
    if (summed !== undefined) return summed
    return this.emit('ReduceSum', [x, this.ints(axes)], [attr.int('keepdims', 0)])
  }

  /** Undoes broadcasting: sums over what was stretched until the value has the smaller shape. */
  sumTo(x: ValueName, shape: readonly number[]): ValueName {
    const from = this.shape(x)
    const added = from.length - shape.length
    const axes = from.flatMap((size, axis) =>
      axis < added || (shape[axis - added] === 1 && size !== 1) ? [axis] : [],
    )
    const summed = this.reshape(this.sumAway(x, axes), shape)
    if (elementCount(this.shape(summed)) !== elementCount(shape)) {
      throw new RangeError(`[${from}] does not sum to [${shape}]`)
    }
    return summed
  }

  /** The graph of what the outputs need; whatever else was emitted is left out. */
  finish(options: {
    readonly name: string
    readonly inputs: readonly ValueName[]
    readonly outputs: readonly ValueName[]
  }): GraphProto {
    const { name, inputs, outputs } = options
    const needed = new Set(outputs)
    const node = this.#nodes
      .toReversed()
      .filter(candidate => {
        if (!candidate.output.some(output => needed.has(output))) return false
        for (const name of usedNames(candidate)) needed.add(name)
        return true
      })
      .reverse()
    const made = new Set(node.flatMap(({ output }) => output))
    const stated = [...this.#stated].filter(value => made.has(value) && !outputs.includes(value))
    const initializer = [...this.#constants.values()].filter(({ name = '' }) => needed.has(name))
    const valueInfo = (value: ValueName) => {
      const { elementType, shape } = this.type(value)
      return buildValueInfo(value, elementType, shape)
    }
    return {
      node: withOwnNames(node),
      name,
      initializer,
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
      // Without it whoever reads the graph could not know them, either.
      valueInfo: stated.map(valueInfo),
    }
  }
}

/** ONNX Runtime refuses nodes of equal names, which a model's own and those around it may have. */
function withOwnNames(nodes: readonly NodeProto[]): readonly NodeProto[] {
  const taken = new Set<string>()
  return nodes.map(node => {
    const { name: wish = '' } = node
    let name = wish
    for (let count = 1; name !== '' && taken.has(name); count++) name = `${wish}_${count}`
    taken.add(name)
    return name === wish ? node : { ...node, name }
  })
}
