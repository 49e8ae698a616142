import { expect, test } from 'vitest'
import { nextByteSamples } from '../../../training/samples/next-byte-samples.ts'

const text = Uint8Array.from([10, 20, 30, 40, 50])

test('each row holds the bytes before its label', () => {
  expect(nextByteSamples(text, { contextBytes: 3, samplesMax: 9 })).toEqual({
    inputs: Int32Array.from([10, 20, 30, 20, 30, 40]),
    inputWidth: 3,
    labels: Int32Array.from([40, 50]),
  })
})

test('there are no more rows than asked for, and none of a text shorter than its context', () => {
  expect(nextByteSamples(text, { contextBytes: 3, samplesMax: 1 }).labels).toHaveLength(1)
  expect(nextByteSamples(text, { contextBytes: 5, samplesMax: 9 }).labels).toHaveLength(0)
  expect(nextByteSamples(text, { contextBytes: 9, samplesMax: 9 }).labels).toHaveLength(0)
})
