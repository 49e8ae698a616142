import { attr } from '../../../../training/onnx/attribute.ts'
import type { GradientCase } from '../gradient-check.ts'

const block = attr.int('blocksize', 2)
const padMode = (mode: string) => [attr.string('mode', mode)]

export const shapeCases: Readonly<Record<string, readonly GradientCase[]>> = {
  Concat: [
    {
      name: 'three along the first axis',
      inputs: [{ shape: [2, 3] }, { shape: [1, 3] }, { shape: [3, 3] }],
      attributes: [attr.int('axis', 0)],
    },
    {
      name: 'two along the last axis',
      inputs: [{ shape: [2, 1] }, { shape: [2, 3] }],
      attributes: [attr.int('axis', -1)],
    },
  ],
  DepthToSpace: [
    { name: 'depth first', inputs: [{ shape: [2, 8, 1, 3] }], attributes: [block] },
    {
      name: 'columns first',
      inputs: [{ shape: [1, 12, 2, 1] }],
      attributes: [block, attr.string('mode', 'CRD')],
    },
  ],
  Expand: [
    { name: 'a column to a matrix', inputs: [{ shape: [3, 1] }, { constant: [3, 4] }] },
    { name: 'a vector to more axes', inputs: [{ shape: [3] }, { constant: [2, 1, 3] }] },
    { name: 'a scalar', inputs: [{ shape: [] }, { constant: [2, 2] }] },
  ],
  Flatten: [
    { name: 'after the first axis', inputs: [{ shape: [2, 3, 2] }] },
    { name: 'to one row', inputs: [{ shape: [2, 3] }], attributes: [attr.int('axis', 0)] },
    { name: 'a negative axis', inputs: [{ shape: [2, 3, 2] }], attributes: [attr.int('axis', -1)] },
  ],
  Pad: [
    { name: 'with zeros', inputs: [{ shape: [2, 3] }, { constant: [1, 0, 2, 1] }] },
    {
      name: 'with a number, one end cropped',
      inputs: [{ shape: [2, 4] }, { constant: [0, 1, 1, -2] }, { number: 3 }],
    },
    {
      name: 'with a number that is trained, one axis only',
      inputs: [{ shape: [2, 3] }, { constant: [1, 2] }, { shape: [] }, { constant: [-1] }],
    },
    {
      name: 'reflected',
      inputs: [{ shape: [3, 4] }, { constant: [2, 1, 0, 3] }],
      attributes: padMode('reflect'),
    },
    {
      name: 'with its edge, one axis only',
      inputs: [{ shape: [2, 3] }, { constant: [2, 1] }, 'absent', { constant: [1] }],
      attributes: padMode('edge'),
    },
    {
      name: 'wrapped around',
      inputs: [{ shape: [2, 3] }, { constant: [1, 2, 1, 2] }],
      attributes: padMode('wrap'),
    },
  ],
  Reshape: [
    { name: 'an open size', inputs: [{ shape: [2, 3, 2] }, { constant: [3, -1] }] },
    { name: 'a kept size', inputs: [{ shape: [2, 3, 2] }, { constant: [0, 6] }] },
    { name: 'to a scalar', inputs: [{ shape: [1, 1] }, { constant: [] }] },
  ],
  Slice: [
    {
      name: 'a part of each axis',
      inputs: [{ shape: [3, 4] }, { constant: [1, 0] }, { constant: [3, -1] }],
    },
    {
      name: 'every second of an axis, to the end',
      inputs: [
        { shape: [2, 5] },
        { constant: [0] },
        { constant: [Number.MAX_SAFE_INTEGER] },
        { constant: [-1] },
        { constant: [2] },
      ],
    },
    {
      name: 'every third from the second on',
      inputs: [
        { shape: [8, 2] },
        { constant: [1] },
        { constant: [8] },
        { constant: [0] },
        { constant: [3] },
      ],
    },
    {
      name: 'backwards',
      inputs: [
        { shape: [2, 4] },
        { constant: [-1] },
        { constant: [Number.MIN_SAFE_INTEGER] },
        { constant: [1] },
        { constant: [-1] },
      ],
    },
    {
      name: 'every second backwards, and a part of another axis',
      inputs: [
        { shape: [3, 6] },
        { constant: [4, 1] },
        { constant: [0, 2] },
        { constant: [1, 0] },
        { constant: [-2, 1] },
      ],
    },
  ],
  SpaceToDepth: [
    { name: 'one channel', inputs: [{ shape: [2, 1, 4, 2] }], attributes: [block] },
    { name: 'three channels', inputs: [{ shape: [1, 3, 2, 4] }], attributes: [block] },
  ],
  Split: [
    {
      name: 'two equal parts',
      inputs: [{ shape: [4, 3] }],
      attributes: [attr.int('num_outputs', 2)],
      outputCount: 2,
    },
    {
      name: 'three parts of which the last is smaller',
      inputs: [{ shape: [2, 5] }],
      attributes: [attr.int('num_outputs', 3), attr.int('axis', -1)],
      outputCount: 3,
    },
    {
      name: 'parts as given, of which one is used',
      inputs: [{ shape: [2, 5] }, { constant: [1, 3, 1] }],
      attributes: [attr.int('axis', 1)],
      outputCount: 3,
      seeded: [1],
    },
  ],
  Squeeze: [
    { name: 'one axis', inputs: [{ shape: [2, 1, 3, 1] }, { constant: [1] }] },
    { name: 'every axis of size one', inputs: [{ shape: [1, 3, 1] }] },
  ],
  Tile: [
    { name: 'both axes', inputs: [{ shape: [2, 3] }, { constant: [2, 3] }] },
    { name: 'one axis', inputs: [{ shape: [2, 1, 3] }, { constant: [1, 4, 1] }] },
  ],
  Transpose: [
    { name: 'reversed by default', inputs: [{ shape: [2, 3, 4] }] },
    {
      name: 'a rotation of the axes',
      inputs: [{ shape: [2, 3, 4] }],
      attributes: [attr.ints('perm', [1, 2, 0])],
    },
  ],
  Unsqueeze: [
    { name: 'two axes, one from the back', inputs: [{ shape: [2, 3] }, { constant: [0, -1] }] },
    { name: 'a scalar', inputs: [{ shape: [] }, { constant: [0] }] },
  ],
}
