import { expect, test } from 'vitest'
import { sparkline } from '../../../demo/sparkline.ts'
import { joined, padded, paintLine, plainText, span } from '../../../demo/styled-text.ts'

const line = [span('ab', 'good'), span('cd'), span('ef', 'bad')]

test('colours are put around spans, and left out where they are not wanted', () => {
  expect(paintLine(line, { hasColours: true, columns: 80 })).toBe(
    '\x1b[32mab\x1b[0mcd\x1b[31mef\x1b[0m',
  )
  expect(paintLine(line, { hasColours: false, columns: 80 })).toBe('abcdef')
})

test('a line is cut where the terminal ends, whatever its colours', () => {
  expect(paintLine(line, { hasColours: true, columns: 3 })).toBe('\x1b[32mab\x1b[0mc')
})

test('padded fills up or cuts to the width', () => {
  expect(padded('abc', 5)).toBe('abc  ')
  expect(padded('abc', 5, 'right')).toBe('  abc')
  expect(padded('abcdef', 5)).toBe('abcd…')
})

test('neighbours of one style become one span', () => {
  expect(joined([span('a', 'dim'), span('b', 'dim'), span('c')])).toEqual([
    { text: 'ab', style: 'dim' },
    { text: 'c' },
  ])
})

test('a sparkline falls with its values and changes colour at the line', () => {
  const drawn = sparkline([8, 6, 5, 4, 3], 5, 8)
  expect(plainText(drawn)).toBe('█▅▄▂▁')
  expect(drawn.map(({ style }) => style)).toEqual(['warn', 'good', undefined])
})

test('a sparkline shows the last values when there are more than columns', () => {
  expect(plainText(sparkline([8, 8, 8, 3], 5, 2))).toBe('█▁')
})
