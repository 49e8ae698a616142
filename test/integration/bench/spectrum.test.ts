import { expect, test } from 'vitest'
import { measureSpectrum } from '../../../bench/spectrum.ts'

test('the bench of the spectrum has its rows, and the transforms are part of the work', async () => {
  const { rows } = await measureSpectrum({ runs: 1, runSeconds: 1, streamSeconds: 4 })
  expect(rows.map(({ name }) => name)).toEqual(['realtime.ratio', 'fft.share', 'rss.growth'])
  const [ratio, share, growth] = rows.map(({ value }) => value)
  expect(ratio).toBeGreaterThan(0.5)
  expect(share).toBeGreaterThan(0.02)
  expect(share).toBeLessThan(1.5)
  expect(Number.isFinite(growth)).toBe(true)
})
