import { expect, test } from 'vitest'
import { benchDocument, jsonLine, textTable } from '../../../bench/bench-report.ts'
import { measureRounds } from '../../../bench/round-overhead.ts'
import { findCommand } from '../../support/commands.ts'

const SECONDS = { rounds: 0.3, warmUp: 0.3 }
const kinds = findCommand('mosquitto') ? ['embedded', 'mosquitto'] : ['embedded']

test('rounds of ours and of the reference run over each broker and end in one document', async () => {
  const shape = { contextBytes: 4, embeddingSize: 2, hiddenSizes: [4] }
  const result = await measureRounds([{ suffix: '.tiny', shape }], SECONDS)
  const at = new Date('2026-01-01T00:00:00Z')
  const document = benchDocument('round-overhead', at, result)
  const line = jsonLine(document)
  expect(line.endsWith('\n')).toBe(true)
  expect(JSON.parse(line)).toEqual({
    bench: 'round-overhead',
    at: '2026-01-01T00:00:00.000Z',
    machine: {
      cpu: expect.any(String),
      cores: expect.any(Number),
      memoryGib: expect.any(Number),
      node: process.version,
    },
    rows: kinds.map(kind => ({
      name: `round.${kind}.tiny`,
      value: expect.any(Number),
      unit: 'ms',
      reference: 'bare mqtt.js',
      referenceValue: expect.any(Number),
      ratio: expect.any(Number),
      low: expect.any(Number),
      high: expect.any(Number),
      n: expect.any(Number),
    })),
    notes: expect.arrayContaining([expect.stringContaining('goal')]),
  })
  for (const { value, low = 0, high = 0, ratio = 0, referenceValue = 0 } of result.rows) {
    expect(low).toBeGreaterThan(0)
    expect(value).toBeGreaterThanOrEqual(low)
    expect(high).toBeGreaterThanOrEqual(value)
    expect(ratio).toBeCloseTo(referenceValue / value, 1)
  }
  expect(textTable(document)).toContain('round.embedded.tiny')
})
