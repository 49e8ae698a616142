import { expect, test } from 'vitest'
import { findNotFinite } from '../../../training/trainer/finite-values.ts'
import { LinearRegression } from './linear-regression.ts'

const regression = new LinearRegression({ sampleCount: 12, seed: 5 })

test('a number that is none is refused when the data are loaded, by sample and column', async () => {
  const options = { optimizer: { kind: 'sgd' }, batch: 4 } as const
  const inputs = regression.inputs.slice()
  inputs[3 * 7 + 2] = Number.NaN
  const refused = regression.open(options, { inputs })
  await expect(refused).rejects.toMatchObject({
    code: 'TRAINING_FAILED',
    details: { sample: 7, column: 2 },
  })
  await expect(refused).rejects.toThrow('sample 7 of the input x has NaN in column 2')
  const labels = regression.labels.slice()
  labels[2 * 11 + 1] = Number.NEGATIVE_INFINITY
  await expect(regression.open(options, { labels })).rejects.toThrow(
    'sample 11 of the labels has -Infinity in column 1',
  )
})

test('the first number that is none is found wherever it stands', () => {
  const values = new Float32Array(10_000).fill(3e38)
  expect(findNotFinite(values)).toBe(-1)
  for (const place of [9999, 8192, 8191, 4096, 4095, 1, 0]) {
    values[place] = place % 2 === 0 ? Number.NaN : Number.POSITIVE_INFINITY
    expect(findNotFinite(values)).toBe(place)
  }
  expect(findNotFinite(new Float32Array(0))).toBe(-1)
})
