import { expect, test } from 'vitest'
import { playMatches } from '../../../bench/training.ts'

test('ours and loops in JavaScript train the same model to the same losses', async () => {
  const { rows, notes } = await playMatches({
    matches: [
      { row: 'mlp.tiny', workload: 'mlp', against: 'js', steps: 3, referenceSteps: 3 },
      { row: 'mlp.step', workload: 'mlp', against: 'step', steps: 3, referenceSteps: 3 },
    ],
    rounds: 1,
  })
  expect(rows).toEqual(
    ['js', 'step'].map(reference => ({
      name: expect.stringMatching(/^mlp\./),
      value: expect.any(Number),
      unit: 'CPU ms',
      reference,
      referenceValue: expect.any(Number),
      ratio: expect.any(Number),
      low: expect.any(Number),
      high: expect.any(Number),
      n: 1,
    })),
  )
  for (const { value, referenceValue = 0, ratio = 0 } of rows) {
    expect(ratio).toBeCloseTo(referenceValue / value, 1)
  }
  const difference = /losses of the same first steps differ by at most ([\d.e+-]+)/.exec(
    notes.join('\n'),
  )
  expect(Number(difference?.[1])).toBeLessThan(1e-4)
})
