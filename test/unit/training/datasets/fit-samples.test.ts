import { describe, expect, test } from 'vitest'
import {
  fitSamples,
  holdBack,
  measureColumns,
  type WantedSamples,
} from '../../../../training/datasets/fit-samples.ts'

const classes: WantedSamples = {
  input: { elementType: 'float32', sampleShape: [1, 2] },
  labels: { elementType: 'int32', sampleShape: [] },
}
const bytes = { shape: [2, 2], values: Uint8Array.of(0, 51, 102, 255) }
const labels = { shape: [2], values: BigInt64Array.of(3n, 1n) }

describe('samples', () => {
  test('of bytes come to lie between 0 and 1, and labels in 32 bits', () => {
    const fitted = fitSamples({ inputs: bytes, labels }, classes, {})
    expect([...fitted.inputs].map(value => value.toFixed(2))).toEqual([
      '0.00',
      '0.20',
      '0.40',
      '1.00',
    ])
    expect(fitted).toMatchObject({ inputWidth: 2, sampleCount: 2, labels: Int32Array.of(3, 1) })
  })

  test('are multiplied by the scale that is given, and by nothing where they are not bytes', () => {
    const scaled = fitSamples({ inputs: bytes, labels }, classes, { scale: 2 })
    expect([...scaled.inputs]).toEqual([0, 102, 204, 510])
    const floats = { shape: [1, 2], values: Float64Array.of(0.5, 300) }
    const one = { shape: [1], values: Int32Array.of(0) }
    expect([...fitSamples({ inputs: floats, labels: one }, classes, {}).inputs]).toEqual([0.5, 300])
  })

  test('get a mean of 0 and a deviation of 1 in each column, and a constant column stays 0', () => {
    const inputs = { shape: [3, 2], values: Float32Array.of(1, 7, 2, 7, 3, 7) }
    const table = { inputs, labels: { shape: [3], values: Int32Array.of(0, 1, 0) } }
    const columns = measureColumns(fitSamples(table, classes, {}))
    const fitted = fitSamples(table, classes, { columns })
    expect(measureColumns(fitted).means[0]).toBeCloseTo(0, 6)
    expect(measureColumns(fitted).deviations[0]).toBeCloseTo(1, 6)
    expect([fitted.inputs[1], fitted.inputs[3]]).toEqual([0, 0])
  })

  test.each([
    [{ inputs: { shape: [2, 3], values: new Float32Array(6) } }, '3 numbers each; the model takes'],
    [{ inputs: bytes }, 'the loss needs labels'],
    [{ inputs: bytes, labels: { shape: [1], values: Int32Array.of(1) } }, 'there are 2 samples'],
    [
      { inputs: bytes, labels: { shape: [2], values: Float32Array.of(1, 0.5) } },
      'element 1 is 0.5, where a whole number',
    ],
    [{ inputs: { shape: [0, 2], values: new Float32Array() } }, 'there are no samples'],
  ])('that do not fit are refused by number (%#)', (data, message) => {
    expect(() => fitSamples(data, classes, {})).toThrow(message)
  })

  test('held back are others than those of training, the same ones for a seed', () => {
    const inputs = { shape: [10, 2], values: Float32Array.from({ length: 20 }, (_, i) => i) }
    const all = { shape: [10], values: Int32Array.from({ length: 10 }, (_, i) => i) }
    const fitted = fitSamples({ inputs, labels: all }, classes, {})
    const split = () => holdBack(fitted, { share: 0.3, seed: 7 })
    const { training, heldBack } = split()
    expect([training.sampleCount, heldBack?.sampleCount]).toEqual([7, 3])
    const seen = [...(training.labels ?? []), ...(heldBack?.labels ?? [])]
    expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const [row, label] of (heldBack?.labels ?? new Int32Array()).entries()) {
      expect(heldBack?.inputs[2 * row]).toBe(2 * label)
    }
    expect(split()).toEqual({ training, heldBack })
    expect(holdBack(fitted, { share: 0, seed: 7 }).heldBack).toBeUndefined()
  })
})
