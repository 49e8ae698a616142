import type { GraphEmitter, ValueName } from '../graph/graph-emitter.ts'
import { attr } from '../onnx/attribute.ts'
import { buildNode } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import type { NodeProto, TensorProto } from '../onnx/onnx-proto.ts'
import { buildTensor, elementCount } from '../onnx/tensor.ts'
import { splitFlat } from '../optimizer/joint-moves.ts'

/** A state as it comes into a run and leaves it. */
interface State {
  readonly input: string
  readonly output: string
}

interface ShapedState extends State {
  readonly shape: readonly number[]
}

/** A parameter whose states a Scan carries together with those of others. */
export interface JointMember extends ShapedState {
  readonly name: string
  readonly slots: readonly State[]
}

/**
 * The states of small parameters, which a Scan carries as one vector for the parameters and one for each
 * slot: joined before the first step and parted after the last, where they would otherwise be at every
 * step. What comes into the run and leaves it stays a tensor a state.
 */
export interface JointStates {
  readonly parameter: ValueName
  readonly slots: readonly ValueName[]
  /** Each member's parameter, by name. */
  readonly parts: ReadonlyMap<string, ValueName>
}

/** Declares the vectors as inputs of a body, and takes the parameters out of theirs. */
export function declareJointStates(
  graph: GraphEmitter,
  members: readonly JointMember[],
): JointStates | undefined {
  const [parameter, ...slots] = jointStates(members).map(({ input, shape }) =>
    graph.declare(graph.unique(input), { elementType: ELEMENT.float, shape }),
  )
  if (parameter === undefined) return undefined
  const parts = splitFlat(
    graph,
    parameter,
    members.map(({ shape }) => shape),
  )
  return {
    parameter,
    slots,
    parts: new Map(members.map(({ name }, index) => [name, parts[index] ?? ''])),
  }
}

/** The vectors as the Scan takes and gives them: that of the parameters, then one a slot. */
export function jointStates(members: readonly JointMember[]): readonly ShapedState[] {
  const shape = [members.reduce((sum, member) => sum + elementCount(member.shape), 0)]
  return statesByVector(members).map((_, index) => {
    const role = index === 0 ? 'parameter' : `slot${index}`
    return { input: `joint.${role}`, output: `updated.joint.${role}`, shape }
  })
}

const FLAT = 'joint.flat'
const SIZES = 'joint.sizes'
const shapeOf = (state: string): string => `joint.shape.${state}`

/** What stands around the Scan: the vectors are made of the states, and states of the vectors. */
export function aroundJointStates(members: readonly JointMember[]): {
  readonly before: readonly NodeProto[]
  readonly after: readonly NodeProto[]
  readonly initializer: readonly TensorProto[]
} {
  const vectors = jointStates(members)
  const states = statesByVector(members)
  const ints = (name: string, values: readonly number[]) =>
    buildTensor({ name, type: ELEMENT.int64, shape: [values.length], values })
  const sizes = members.map(({ shape }) => elementCount(shape))
  return {
    before: vectors.flatMap(({ input }, index) => join(states[index] ?? [], input)),
    after: vectors.flatMap(({ output }, index) => part(states[index] ?? [], output)),
    initializer:
      vectors.length === 0
        ? []
        : [
            ints(FLAT, [-1]),
            ints(SIZES, sizes),
            ...members.filter(isShaped).map(({ input, shape }) => ints(shapeOf(input), shape)),
          ],
  }
}

/** The states that make up each vector; `of` names the parameter whose shape they have. */
function statesByVector(
  members: readonly JointMember[],
): readonly (readonly (ShapedState & { readonly of: string })[])[] {
  const [first] = members
  if (!first) return []
  const slots = first.slots.map((_, slot) =>
    members.flatMap(({ input: of, shape, slots }) => {
      const state = slots[slot]
      return state ? [{ ...state, shape, of }] : []
    }),
  )
  return [
    members.map(({ input, output, shape }) => ({ input, output, shape, of: input })),
    ...slots,
  ]
}

function join(states: readonly ShapedState[], vector: string): readonly NodeProto[] {
  return [
    ...states
      .filter(isShaped)
      .map(({ input }) =>
        buildNode({ opType: 'Reshape', inputs: [input, FLAT], outputs: [flatName(input)] }),
      ),
    buildNode({
      opType: 'Concat',
      inputs: states.map(state => (isShaped(state) ? flatName(state.input) : state.input)),
      outputs: [vector],
      attributes: [attr.int('axis', 0)],
    }),
  ]
}

function part(
  states: readonly (ShapedState & { readonly of: string })[],
  vector: string,
): readonly NodeProto[] {
  return [
    buildNode({
      opType: 'Split',
      inputs: [vector, SIZES],
      outputs: states.map(state => (isShaped(state) ? flatName(state.output) : state.output)),
      attributes: [attr.int('axis', 0)],
    }),
    ...states.filter(isShaped).map(({ output, of }) =>
      buildNode({
        opType: 'Reshape',
        inputs: [flatName(output), shapeOf(of)],
        outputs: [output],
      }),
    ),
  ]
}

/** Whether a state is more than a vector already. */
function isShaped({ shape }: Pick<ShapedState, 'shape'>): boolean {
  return shape.length !== 1
}

function flatName(state: string): string {
  return `${state}.flat`
}
