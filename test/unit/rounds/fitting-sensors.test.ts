import { describe, expect, test } from 'vitest'
import {
  askedOf,
  fits,
  fittingSensors,
  type Intake,
} from '../../../controller/rounds/fitting-sensors.ts'
import type { SensingFigures } from '../../../protocol/urp.ts'
import { nextByteOf } from '../../support/sample-specs.ts'

const counts = (from: number) =>
  Array.from({ length: 256 }, (_, bin) => (bin >= from && bin < from + 64 ? 9 : 0))

const sensor = (o: Partial<SensingFigures> = {}): SensingFigures => ({
  sensor: 'csi',
  kind: 'serial',
  form: { element: 'float32', shape: [56] },
  rowsPerSecond: 100,
  bytesPerSecond: 22_400,
  dropShare: 0,
  resourceBlocks: 0,
  labelled: true,
  sketch: { kind: 'float8-histogram', counts: counts(0), sampleCount: 100 },
  ...o,
})

const intake = (o: Partial<Intake> = {}): Intake => ({
  modelId: 'activity',
  takes: {
    ...nextByteOf(1),
    form: { element: 'float32', shape: [56] },
    windowRows: 50,
    inputRows: 50,
    strideRows: 25,
    inputElement: 'float32',
    labels: { kind: 'class', classes: 10 },
  },
  sensorKinds: [],
  targetSketch: { kind: 'float8-histogram', counts: counts(0), sampleCount: 100 },
  ...o,
})

const context = {
  slotSeconds: 1,
  gain: { effectiveSamplesPrior: 50, exponent: 0.35, smoothing: 0.05 },
}

describe('a model learns from a sensor', () => {
  test('whose rows have its form, whose kind it accepts, and which has classes if it needs them', () => {
    expect(fits(intake(), sensor())).toBe(true)
    expect(fits(intake(), sensor({ form: { element: 'float32', shape: [64] } }))).toBe(false)
    expect(fits(intake(), sensor({ form: { element: 'uint8', shape: [56] } }))).toBe(false)
    expect(fits(intake({ sensorKinds: ['replay'] }), sensor())).toBe(false)
    expect(fits(intake({ sensorKinds: ['replay', 'serial'] }), sensor())).toBe(true)
    expect(fits(intake(), sensor({ labelled: false }))).toBe(false)
    const { takes } = intake()
    const unsupervised = intake({ takes: { ...takes, labels: { kind: 'none' } } })
    expect(fits(unsupervised, sensor({ labelled: false }))).toBe(true)
  })

  test('as many samples a second as windows begin', () => {
    const asked = askedOf([intake()], [[sensor()]])
    const [seen] = fittingSensors([sensor()], asked, context)
    expect(seen).toMatchObject({ sensor: 'csi', samplesPerSecond: 4 })
    expect(seen?.kind).toBe(asked.nameByModel.get('activity'))
    expect(seen?.kind).toBe('float32[56] with classes a sample every 25 rows')
  })
})

describe('of several sensors', () => {
  const fast = sensor({ sensor: 'fast', rowsPerSecond: 500 })
  const alike = sensor({ sensor: 'alike', rowsPerSecond: 100 })
  const strange = sensor({
    sensor: 'strange',
    rowsPerSecond: 500,
    sketch: { kind: 'float8-histogram', counts: counts(128), sampleCount: 9 },
  })
  const chosen = (sensors: readonly SensingFigures[], model = intake()) =>
    fittingSensors(sensors, askedOf([model], [sensors]), context)[0]?.sensor

  test('the one with the greatest gain serves: more samples, or data that are more alike', () => {
    expect(chosen([alike, fast])).toBe('fast')
    expect(chosen([alike, strange])).toBe('alike')
    expect(chosen([sensor({ sensor: 'blind', sketch: undefined }), alike])).toBe('alike')
  })

  test('each model has its own', () => {
    const other = intake({
      modelId: 'other',
      targetSketch: { kind: 'float8-histogram', counts: counts(128), sampleCount: 9 },
    })
    const sensors = [alike, strange]
    const models = [intake(), other]
    const asked = askedOf(models, [sensors])
    const seen = fittingSensors(sensors, asked, context)
    const of = (modelId: string) =>
      seen.find(({ kind }) => kind === asked.nameByModel.get(modelId))?.sensor
    expect([of('activity'), of('other')]).toEqual(['alike', 'strange'])
  })
})

test('models that ask for the same share a name, so that a fleet is looked through once', () => {
  const models = [
    intake(),
    intake({ modelId: 'twin' }),
    intake({ sensorKinds: ['replay'], modelId: 'c' }),
  ]
  const asked = askedOf(models, [[sensor()]])
  const names = asked.nameByModel
  expect(names.get('activity')).toBe(names.get('twin'))
  expect(names.get('c')).not.toBe(names.get('twin'))
  expect(fittingSensors([sensor()], asked, context)).toHaveLength(1)
})
