import type { GradientCase, Reference } from '../gradient-check.ts'

export interface Range {
  readonly from?: number
  readonly to?: number
}

/** Away from zero, where poles and kinks are. */
export const positive: Range = { from: 0.5, to: 2 }
export const negative: Range = { from: -2, to: -0.5 }

/** For two inputs that broadcast; the second may be kept away from zero. */
export function pairs(range: Range = {}, first: Range = {}): GradientCase[] {
  return [
    {
      name: 'equal shapes',
      inputs: [
        { shape: [2, 3], ...first },
        { shape: [2, 3], ...range },
      ],
    },
    {
      name: 'a row to all rows',
      inputs: [
        { shape: [2, 3], ...first },
        { shape: [3], ...range },
      ],
    },
    {
      name: 'both stretched',
      inputs: [
        { shape: [2, 1, 3], ...first },
        { shape: [4, 1], ...range },
      ],
    },
    {
      name: 'a scalar',
      inputs: [
        { shape: [2, 3], ...first },
        { shape: [], ...range },
      ],
    },
    {
      name: 'a scalar first',
      inputs: [
        { shape: [], ...first },
        { shape: [2, 2], ...range },
      ],
    },
  ]
}

/** For one input and an output of the same shape. */
export function singles(range: Range = {}): GradientCase[] {
  return [
    { name: 'a matrix', inputs: [{ shape: [3, 4], ...range }] },
    { name: 'a vector', inputs: [{ shape: [5], ...range }] },
    { name: 'a scalar', inputs: [{ shape: [], ...range }] },
  ]
}

/** The same with a float64 loop, for what ONNX Runtime computes in float32 only. */
export function float32Singles(y: (x: number) => number, range: Range = {}): GradientCase[] {
  return singles(range).map(given => ({ ...given, float32: eachElement(y) }))
}

export function eachElement(y: (x: number) => number): Reference {
  return ([x]) => (x ? x.values.map(y) : [])
}
