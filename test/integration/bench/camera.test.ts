import { expect, test } from 'vitest'
import { measureCamera } from '../../../bench/camera.ts'
import { canFilm } from '../../support/cameras.ts'

test.skipIf(!canFilm)(
  'the bench of cameras has its rows, and ffmpeg does most of the work',
  async () => {
    const { rows } = await measureCamera({ runs: 1, imagesPerRun: 150, dayImages: 800 })
    expect(rows.map(({ name }) => name)).toEqual([
      'throughput',
      'throughput.ratio',
      'daemon.cpu-share',
      'rss.growth',
    ])
    const [throughput, ratio, , growth] = rows.map(({ value }) => value)
    expect(throughput).toBeGreaterThan(0)
    expect(ratio).toBeGreaterThan(0.05)
    expect(Number.isFinite(growth)).toBe(true)
  },
)
