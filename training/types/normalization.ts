import { intAttribute } from '../onnx/attribute.ts'
import { fromFront, type TypeRule } from './type-rule.ts'

const same: TypeRule = ({ input }) => [input(0)]

/** The running mean and variance follow in training mode. */
const batchNormalization: TypeRule = ({ input }) => {
  const [channels] = input(1).shape
  if (input(0).shape[1] !== channels) {
    throw new RangeError(`[${input(0).shape}] has not ${channels} channels`)
  }
  return [input(0), input(3), input(4)]
}

/** The mean and the inverse of the deviation follow, with ones for the axes that they span. */
const layerNormalization: TypeRule = ({ node, input }) => {
  const { elementType, shape } = input(0)
  const axis = fromFront(intAttribute(node, 'axis', -1), shape.length)
  const statistics = { elementType, shape: shape.map((size, index) => (index < axis ? size : 1)) }
  return [input(0), statistics, statistics]
}

export const normalizationTypes = {
  BatchNormalization: batchNormalization,
  GroupNormalization: same,
  InstanceNormalization: same,
  LayerNormalization: layerNormalization,
  LpNormalization: same,
} satisfies Record<string, TypeRule>
