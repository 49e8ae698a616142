import { describe, expect, test } from 'vitest'
import { paintFor, renderHeatMap } from '../../../agent/measure/heat-map.ts'
import { matrixOf } from '../../../protocol/matrix.ts'

const ESCAPE = '\u001b'
const shares = [
  [0, 0.1, 0.3],
  [0.55, 0.8, 1],
]
// Three slots, two units.
const matrix = matrixOf(3, 2, (slot, unit) => shares[unit]?.[slot] ?? 0)
const picture = { matrix, labels: ['cpu0', 'cpu1'], direction: 'down', widthMax: 24 } as const

describe('a heat map', () => {
  test('is drawn in shades, one line a unit, slots to the right', () => {
    expect(renderHeatMap({ ...picture, paint: 'shades' })).toEqual([
      'slot     0     1     2',
      'cpu0  ······░░░░░░▒▒▒▒▒▒',
      'cpu1  ▓▓▓▓▓▓████████████',
      '',
      '      ·· none   ░░ < 30 %   ▒▒ < 55 %   ▓▓ < 80 %   ██ ≥ 80 % free',
    ])
  })

  test('is drawn in digits where the terminal knows no others', () => {
    expect(renderHeatMap({ ...picture, paint: 'digits' }).slice(0, 3)).toEqual([
      'slot     0     1     2',
      'cpu0    --    10    30  ',
      'cpu1    55    80    99  ',
    ])
  })

  test('has the first column at the bottom when it goes up', () => {
    const lines = renderHeatMap({ ...picture, direction: 'up', paint: 'shades' })
    expect(lines.slice(1, 3).map(line => line.slice(0, 4))).toEqual(['cpu1', 'cpu0'])
  })

  test('carries the percentage on its colour', () => {
    const [, first = ''] = renderHeatMap({ ...picture, paint: 'truecolor' })
    expect(first).toBe(
      `cpu0  ${ESCAPE}[97;48;2;68;1;84m   0  ${ESCAPE}[0m` +
        `${ESCAPE}[97;48;2;71;45;123m  10  ${ESCAPE}[0m` +
        `${ESCAPE}[97;48;2;59;82;139m  30  ${ESCAPE}[0m`,
    )
    const [, ansi = ''] = renderHeatMap({ ...picture, paint: 'ansi256' })
    expect(ansi).toContain(`${ESCAPE}[97;48;5;53m   0  ${ESCAPE}[0m`)
  })

  test('narrows its cells to fit and numbers every fifth slot then', () => {
    const wide = matrixOf(20, 1, () => 1)
    const lines = renderHeatMap({
      matrix: wide,
      labels: ['cpu0'],
      direction: 'down',
      paint: 'shades',
      widthMax: 46,
    })
    expect(lines.slice(0, 2)).toEqual([
      'slot  0         5         10        15',
      `cpu0  ${'█'.repeat(40)}`,
    ])
  })
})

describe('the paint', () => {
  const UTF8 = { LANG: 'en_US.UTF-8' }
  test.each([
    [
      '24-bit colour where the terminal says so',
      true,
      { ...UTF8, COLORTERM: 'truecolor' },
      'truecolor',
    ],
    ['256 colours where it says that', true, { ...UTF8, TERM: 'xterm-256color' }, 'ansi256'],
    ['shades on a plain terminal', true, { ...UTF8, TERM: 'linux' }, 'shades'],
    ['shades into a file', false, { ...UTF8, COLORTERM: 'truecolor' }, 'shades'],
    ['shades with NO_COLOR', true, { ...UTF8, COLORTERM: 'truecolor', NO_COLOR: '1' }, 'shades'],
    ['colour with an empty NO_COLOR', true, { COLORTERM: '24bit', NO_COLOR: '' }, 'truecolor'],
    ['digits without UTF-8', true, { LANG: 'C', COLORTERM: 'truecolor' }, 'digits'],
    ['digits on a dumb terminal', true, { ...UTF8, TERM: 'dumb' }, 'digits'],
  ] as const)('is %s', (_, isTTY, env, paint) => {
    expect(paintFor({ isTTY, env })).toBe(paint)
  })
})
