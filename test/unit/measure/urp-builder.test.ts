import { describe, expect, test } from 'vitest'
import { buildUrp, type UrpParts } from '../../../agent/urp/urp-builder.ts'
import { decodeBody, encodeBody } from '../../../protocol/body-codec.ts'
import { cellOf, matrixOf } from '../../../protocol/matrix.ts'
import type { Quantity } from '../../../protocol/urp.ts'

const AT = '2024-01-01T12:00:00.000Z'
const timing = { measuredAt: AT, durationMs: 12.5 }
const quantity: Quantity = {
  p10: 1e6,
  p50: 2e6,
  p90: 3e6,
  n: 3,
  method: 'receiver-timed trains',
  measuredAt: AT,
  bytesSpent: 4096,
}

const rate = {
  units: ['cpu0', 'cpu1'],
  measuredUnit: 'cpu1',
  trainingFlopsPerSecond: 4e9,
  peakFlopsPerSecond: 5e9,
  sustainedFactor: 0.8,
  gemmFlopsPerSecond: 9e9,
}

const parts: UrpParts = {
  round: { crId: 7, slots: 4, slotMs: 3000, startsAtMs: Date.parse(AT) },
  results: {
    memory: {
      status: 'ok',
      values: { totalBytes: 4e9, availableBytes: 3e9, isLimited: false },
      figures: [],
      method: 'meminfo',
      ...timing,
    },
    thermal: { status: 'absent', reason: 'no thermal zone', ...timing },
    compute: {
      status: 'ok',
      values: { runtime: 'native', classes: [rate], before: {}, after: {} },
      figures: [],
      method: 'training steps, median of 9',
      conditions: { temperatureCelsius: 61, frequencyHz: 1.5e9, throttled: true },
      ...timing,
    },
    link: { status: 'failed', reason: 'refused', ...timing },
  },
  units: ['cpu0', 'cpu1'],
  computing: {
    matrix: matrixOf(4, 2, (slot, unit) => (unit === 0 ? 0.5 : slot / 4)),
    method: 'recent quantile',
    errorMean: 0.04,
  },
  link: { matrix: matrixOf(4, 1, () => 0.25), method: 'recent quantile' },
  linkName: 'edge',
  linkFigures: { link: 'edge', downlinkBitsPerSecond: quantity },
  limits: { threads: 1, memoryBytes: 5e8 },
  sensing: [],
  forecastAt: AT,
}

function sent(given: UrpParts) {
  const envelope = { session: 1, sequence: 0, sentAt: AT }
  const decoded = decodeBody('urp', encodeBody('urp', { ...buildUrp(given), ...envelope }))
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.body
}

describe('a URP', () => {
  test('passes its schema and comes back from the wire as it was built', () => {
    const urp = sent(parts)
    expect(urp).toMatchObject({
      crId: 7,
      slots: 4,
      validUntil: '2024-01-01T12:00:12.000Z',
      computing: {
        units: [
          { unit: 'cpu0', kind: 'cpu-core', peakFlopsPerSecond: 5e9, sustainedFactor: 0.8 },
          { unit: 'cpu1', kind: 'cpu-core', peakFlopsPerSecond: 5e9, sustainedFactor: 0.8 },
        ],
        threads: 1,
      },
      frequency: [{ link: 'edge', kind: 'link-share', blockCount: 10 }],
    })
    expect(cellOf(urp.computing.availability, 3, 1)).toBe(0.75)
    expect(urp.frequency[0] && cellOf(urp.frequency[0].availability, 0, 2)).toBe(0.5)
  })

  test('says with which ONNX Runtime the rates were measured, where there are any', () => {
    expect(sent(parts).computing.runtime).toBe('native')
    const { compute, ...others } = parts.results
    if (compute?.status !== 'ok') expect.unreachable('the parts have rates')
    const values = { ...compute.values, runtime: 'wasm' as const }
    const onWasm = { ...others, compute: { ...compute, values } }
    expect(sent({ ...parts, results: onWasm }).computing.runtime).toBe('wasm')
    expect(sent({ ...parts, results: others }).computing.runtime).toBeUndefined()
  })

  test('offers no more memory than the limit', () => {
    expect(sent(parts).memory).toEqual({ totalBytes: 4e9, availableBytes: 5e8 })
  })

  test('says how each figure came about, absent and failed ones with the reason', () => {
    expect(sent(parts).provenance).toEqual({
      memory: { status: 'ok', method: 'meminfo', ...timing },
      thermal: { status: 'absent', reason: 'no thermal zone', ...timing },
      compute: {
        status: 'ok',
        method: 'training steps, median of 9',
        temperatureCelsius: 61,
        frequencyHz: 1.5e9,
        throttled: true,
        ...timing,
      },
      link: { status: 'failed', reason: 'refused', ...timing },
      'computing.availability': {
        status: 'ok',
        method: 'recent quantile',
        measuredAt: AT,
        durationMs: 0,
        forecastErrorMean: 0.04,
      },
      'frequency.edge': { status: 'ok', method: 'recent quantile', measuredAt: AT, durationMs: 0 },
    })
  })

  test('leaves out what is not known instead of saying 0', () => {
    const { results, linkFigures, ...rest } = parts
    const urp = sent({ ...rest, results: {}, link: null, computing: null })
    expect(urp).toMatchObject({ frequency: [], links: [] })
    expect(urp.memory).toBeUndefined()
    expect(urp.computing.units).toEqual([])
    expect(urp.computing.availability).toMatchObject({ rows: 4, columns: 0 })
    expect(urp.provenance['frequency.edge']).toMatchObject({ status: 'absent' })
  })

  test('names only units whose rate is known, with their own columns', () => {
    const urp = sent({
      ...parts,
      units: ['cpu5', 'cpu1'],
      computing: { matrix: matrixOf(4, 2, (_, unit) => unit / 2), method: 'recent quantile' },
    })
    expect(urp.computing.units.map(({ unit }) => unit)).toEqual(['cpu1'])
    expect([...urp.computing.availability.values]).toEqual([0.5, 0.5, 0.5, 0.5])
  })
})
