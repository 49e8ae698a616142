import { describe, expect, test } from 'vitest'
import { LOSSES, OPTIMIZERS } from '../../../cli/model/choices.ts'
import { lossChart } from '../../../cli/model/loss-chart.ts'
import { progressText } from '../../../cli/model/progress-line.ts'
import { shortBytes, shortNumber } from '../../../cli/model/text-table.ts'
import { lossKinds } from '../../../training/loss/registry.ts'
import { optimizerKinds } from '../../../training/optimizer/registry.ts'

describe('the choices of the command line', () => {
  test('are the losses and optimizers that the engine has', () => {
    expect([...LOSSES].sort()).toEqual([...lossKinds].sort())
    expect([...OPTIMIZERS].sort()).toEqual([...optimizerKinds].sort())
  })
})

describe('the picture of losses', () => {
  test('falls where they fall, and states the highest and the last step', () => {
    const chart = lossChart([4, 3, 2, 1], { columns: 4, rows: 4 })
    expect(chart.split('\n')).toEqual([
      '     4.000 │█   ',
      '           │██  ',
      '           │███ ',
      '     0.000 │████',
      '           └────',
      '            1 step 4',
      '',
    ])
  })

  test('is as wide as there are steps where these are few, and nothing for none', () => {
    expect(lossChart([1, 1], { rows: 2 })).toMatch(/│▁▁\n/)
    expect(lossChart([])).toBe('')
  })
})

test('progress shows its share, step, loss and the time that is left', () => {
  const text = progressText({ step: 25, steps: 100, epoch: 2, loss: 1.23456, secondsPassed: 30 })
  expect(text).toMatch(/^█{7}░{21} {2}25 % {2}step 25\/100 {2}epoch 2 {2}loss 1.235 {2}1:30 left$/)
})

test.each([
  [shortNumber(999), '999'],
  [shortNumber(1234567), '1.23 M'],
  [shortBytes(512), '512 B'],
  [shortBytes(1536), '1.5 KiB'],
])('%s is written as %s', (text, expected) => {
  expect(text).toBe(expected)
})
