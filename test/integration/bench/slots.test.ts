import { expect, test } from 'vitest'
import { measureSlots } from '../../../bench/slots.ts'

test('the bench of slots has a row for each grant, and nothing is far beyond it', async () => {
  const { rows, notes } = await measureSlots({ runs: 1, transferMs: 250, computeMs: 400 })
  const names = rows.map(({ name }) => name)
  expect(names.slice(0, 2)).toEqual(['use.bandwidth', 'use.compute'])
  for (const direction of ['down', 'up']) {
    for (const rate of [1, 5, 20]) {
      expect(names).toContain(`use.bandwidth.${direction}.${rate}mbit`)
    }
  }
  for (const cores of [0.25, 0.5, 0.8]) expect(names).toContain(`use.compute.${cores}core.duty`)
  // In so short slots one block and one chunk are a good part of the grant.
  for (const { name, value } of rows) expect(value, name).toBeLessThan(2)
  expect(notes.join()).toContain('goal: every share between 0.90 and 1.05')
}, 120_000)
