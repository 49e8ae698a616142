import { expect, test } from 'vitest'
import { isSlowed, parseThrottleWord } from '../../../agent/measure/throttle-bits.ts'

const NONE = {
  underVoltage: false,
  frequencyCapped: false,
  throttled: false,
  softTemperatureLimit: false,
}

test.each([
  ['0', NONE, NONE],
  ['1', { ...NONE, underVoltage: true }, NONE],
  ['2', { ...NONE, frequencyCapped: true }, NONE],
  ['4', { ...NONE, throttled: true }, NONE],
  ['8', { ...NONE, softTemperatureLimit: true }, NONE],
  ['10000', NONE, { ...NONE, underVoltage: true }],
  ['20000', NONE, { ...NONE, frequencyCapped: true }],
  ['40000', NONE, { ...NONE, throttled: true }],
  ['80000', NONE, { ...NONE, softTemperatureLimit: true }],
  [
    '50005',
    { ...NONE, underVoltage: true, throttled: true },
    { ...NONE, underVoltage: true, throttled: true },
  ],
  [
    '0xE0008',
    { ...NONE, softTemperatureLimit: true },
    { underVoltage: false, frequencyCapped: true, throttled: true, softTemperatureLimit: true },
  ],
])('the word %s says what is so now and what has been since boot', (word, now, sinceBoot) => {
  expect(parseThrottleWord(word)).toEqual({ now, sinceBoot })
})

test.each(['', ' ', '-1', 'ffffffff', '100000', '10', 'throttled=0x0', '0x', '123456789', 'zz'])(
  'the word %j is not believed',
  word => {
    expect(parseThrottleWord(word)).toBeUndefined()
  },
)

test('a board with too little voltage alone is not slowed down', () => {
  const bits = parseThrottleWord('1')
  expect(bits && isSlowed(bits)).toBe(false)
})

test.each(['2', '4', '8'])('a board with the word %s is slowed down', word => {
  const bits = parseThrottleWord(word)
  expect(bits && isSlowed(bits)).toBe(true)
})

test('a board that was slowed down earlier is not so now', () => {
  const bits = parseThrottleWord('e0000')
  expect(bits && isSlowed(bits)).toBe(false)
})
