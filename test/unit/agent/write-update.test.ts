import { expect, test } from 'vitest'
import { Residuals } from '../../../agent/assignment/residuals.ts'
import { writeUpdate } from '../../../agent/assignment/write-update.ts'
import { bytesOfParameters } from '../../../protocol/parameter-bytes.ts'
import { decodeUpdate } from '../../../protocol/update-encoding/encodings.ts'

const base = Float32Array.of(1, 2, 3, 4)
const TOP = { encoding: 'top-k', topShare: 0.25 } as const

test('without compression an update is the parameters as they are', () => {
  const learned = Float32Array.of(5, 6, 7, 8)
  const { payload, form, residual } = writeUpdate({ learned, base, residual: undefined })
  expect(payload).toEqual(bytesOfParameters(learned))
  expect(form).toEqual({ encoding: 'float32', form: 'whole', valueCount: 4 })
  expect(residual).toBeNull()
})

test('what a compressed update does not carry is carried by those that follow', () => {
  // Each round brings the same change; only one of its four values goes into an update.
  const change = Float32Array.of(0.5, -0.25, 0.125, 0.375)
  const learned = base.map((value, at) => value + (change[at] ?? 0))
  const arrived = new Float32Array(4)
  const ROUNDS = 40
  let residual: Float32Array | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const written = writeUpdate({ learned, base, residual }, TOP)
    expect(written.form).toEqual({ encoding: 'top-k', form: 'change', valueCount: 4 })
    for (const [at, value] of decodeUpdate('top-k', written.payload, 4).entries()) {
      arrived[at] = (arrived[at] ?? 0) + value
    }
    residual = written.residual ?? undefined
  }
  for (const [at, value] of change.entries()) {
    const total = (arrived[at] ?? 0) + (residual?.[at] ?? 0)
    expect(total).toBeCloseTo(value * ROUNDS, 2)
    expect(Math.abs(residual?.[at] ?? 0)).toBeLessThan(2)
  }
})

test('a board remembers what was left over of so many models at most', () => {
  const residuals = new Residuals()
  for (let model = 0; model < 20; model++) residuals.keep(`m${model}`, Float32Array.of(model))
  const kept = Array.from({ length: 20 }, (_, model) => residuals.get(`m${model}`)?.[0])
  expect(kept.filter(value => value !== undefined)).toEqual([12, 13, 14, 15, 16, 17, 18, 19])
  residuals.keep('m19', null)
  expect(residuals.get('m19')).toBeUndefined()
})
