import { describe, expect, test } from 'vitest'
import { costLines } from '../../../agent/measure/page/cost-lines.ts'
import { measurementsCsv } from '../../../agent/measure/page/measurements-document.ts'
import { styleOf } from '../../../agent/measure/page/page-text.ts'
import { explanationText, probeLines } from '../../../agent/measure/page/probe-lines.ts'
import type { ProbeResult } from '../../../agent/measure/probe.ts'
import { writtenBytes, writtenSi } from '../../../agent/measure/written.ts'

const style = styleOf('shades')
const NOTHING = { sentBytes: 0, receivedBytes: 0, cpuSeconds: 0, childCpuSeconds: 0 }
const timing = { measuredAt: '2026-03-01T12:00:00.000Z', durationMs: 5600, cost: NOTHING }

const rate = {
  ...timing,
  status: 'ok',
  values: {},
  method: 'training steps, median',
  conditions: { temperatureCelsius: 51.2, frequencyHz: 1.8e9, throttled: false },
  explanation: { samples: 9, sampleIs: 'run', discarded: [{ reason: 'warm-up', count: 2 }] },
  figures: [
    {
      name: 'training, a core',
      ...writtenSi(6.4e9, 'FLOP/s'),
      spread: { p10: 6.31e9, p90: 6.48e9 },
      explanation: { samples: 9, sampleIs: 'run', discarded: [] },
    },
    { name: 'fastest run', ...writtenSi(6.5e9, 'FLOP/s') },
  ],
} as const satisfies ProbeResult<unknown>

const absent = {
  ...timing,
  status: 'absent',
  reason: 'no "zone", in\n/sys',
} as const satisfies ProbeResult<unknown>

const linesOf = (result: ProbeResult<unknown>, explain = false) =>
  probeLines('compute', result, { style, explain }).flatMap(line => line.split('\n'))

describe('the lines of a probe', () => {
  test('have samples and spread in the unit of the value', () => {
    expect(linesOf(rate)[1]).toMatch(/^ {11}training, a core +n 9, 6\.31 to 6\.48 +6\.40 GFLOP\/s$/)
  })

  test('explain each figure on request, one explanation once', () => {
    const figures = [...rate.figures, { name: 'again', value: '1', unit: '' }]
    const lines = linesOf({ ...rate, figures }, true).map(line => line.trim())
    expect(lines.filter(line => line === '9 runs; nothing left out')).toHaveLength(1)
    expect(lines.filter(line => line === '9 runs; left out 2 × warm-up')).toHaveLength(1)
    expect(lines.at(-1)).toBe('at 1.80 GHz, at 51.2 °C, not throttled')
  })

  test('say of a figure without samples that it is one reading', () => {
    expect(explanationText(undefined)).toBe('one reading, nothing left out')
    expect(
      explanationText({ samples: 1, sampleIs: 'transfer', method: 'by TCP', discarded: [] }),
    ).toBe('1 transfer; nothing left out; by TCP')
  })

  test.each([
    ['a long name', { name: 'n'.repeat(60), value: '1', unit: 'ms' }],
    ['a long unit', { name: 'measuring took', value: '1.82', unit: 's of CPU time' }],
    [
      'a long name and a spread',
      {
        name: 'a core of the slower class',
        ...writtenSi(1.234e9, 'FLOP/s'),
        spread: { p10: 1.1e9, p90: 1.3e9 },
        explanation: { samples: 100_000, discarded: [] },
      },
    ],
  ])('of a figure with %s fit', (_, figure) => {
    const lines = linesOf({ ...rate, figures: [figure] }, true)
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(90)
    if (figure.name.length < 60) {
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80)
    }
  })
})

describe('the CSV', () => {
  const [head, first, second, third, ...rest] = measurementsCsv({ compute: rate, thermal: absent })
    .replace('in\n/sys', 'in /sys')
    .trimEnd()
    .split('\n')

  test('has a row a figure, in base units', () => {
    expect(head).toMatch(/^probe,status,figure,value,unit,p10,p90,samples,discarded,/)
    expect(first).toMatch(
      /^compute,ok,"training, a core",6400000000,FLOP\/s,6310000000,6480000000,9,0,/,
    )
    expect(second).toMatch(/^compute,ok,fastest run,6500000000,FLOP\/s,,,9,2,/)
  })

  test('has a row with the reason for a probe without figures, quoted where need be', () => {
    expect(third).toMatch(/^thermal,absent,,,,,,,,,"no ""zone"", in \/sys",2026-03-01T/)
    expect(rest).toEqual([])
  })
})

test('what measuring took is told by probe where it is much, and adds up', () => {
  const lines = costLines(
    {
      cpu: { ...absent, durationMs: 10, cost: { ...NOTHING, cpuSeconds: 0.01 } },
      memory: { ...absent, durationMs: 10 },
      compute: { ...rate, cost: { ...NOTHING, cpuSeconds: 0.1, childCpuSeconds: 2 } },
      link: { ...rate, cost: { ...NOTHING, sentBytes: 2048, receivedBytes: 1024 } },
    },
    style,
  )
  expect(lines.slice(1)).toEqual([
    '  compute                    5.6 s    0.100 s     2.00 s          -          -',
    '  link                       5.6 s          -          -   2.00 KiB   1.00 KiB',
    '  2 others                   20 ms    0.010 s          -          -          -',
    '  in all                    11.2 s    0.110 s     2.00 s   2.00 KiB   1.00 KiB',
  ])
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  expect(writtenBytes(1024).base).toEqual({ value: 1024, unit: 'B' })
})
