import { describe, expect, test } from 'vitest'
import { CorrelationMemo } from '../../../controller/orchestrate/correlation-memo.ts'
import { buildLatentGraph } from '../../../controller/orchestrate/latent-graph.ts'
import { drawScenario, inputsOfRound } from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'

const inputs = inputsOfRound(drawScenario({ ...BALANCED, vehicles: 6 }, 1), 0)
const correlations = new CorrelationMemo()
const known = (one: typeof inputs) => buildLatentGraph({ ...one, correlations }).stage.correlation
const anew = (one: typeof inputs) => buildLatentGraph(one).stage.correlation

/** As a report arrives: the same counts in another object. */
const copied = () => ({
  ...inputs,
  devices: inputs.devices.map(device => ({
    ...device,
    sensors: device.sensors.map(sensor => ({
      ...sensor,
      sketch: { counts: [...(sensor.sketch?.counts ?? [])] },
    })),
  })),
})

describe('kept correlations', () => {
  test('they are those of sketches that stayed the same', () => {
    expect(known(inputs)).toEqual(anew(inputs))
    expect(known(copied())).toEqual(anew(inputs))
  })

  test('another sketch of a device or of a model is correlated anew', () => {
    known(inputs)
    const [first, ...others] = inputs.devices
    const seen = (first?.sensors ?? []).map(sensor => ({
      ...sensor,
      sketch: { counts: [9, 0, 0, 1, 0, 0] },
    }))
    const moved = { ...inputs, devices: [{ ...first, sensors: seen } as typeof first, ...others] }
    const devices = moved.devices.filter(device => device !== undefined)
    expect(known({ ...inputs, devices })).toEqual(anew({ ...inputs, devices }))
    const models = inputs.models.map(model => ({
      ...model,
      targetSketch: { counts: [1, 2, 3, 4, 5, 6] },
    }))
    expect(known({ ...inputs, models })).toEqual(anew({ ...inputs, models }))
    expect(known({ ...inputs, models: inputs.models.toReversed() })).toEqual(
      anew({ ...inputs, models: inputs.models.toReversed() }),
    )
  })

  test('sketches with another number of bins make no edge', () => {
    const models = inputs.models.map(model => ({ ...model, targetSketch: { counts: [1, 2, 3] } }))
    const graph = buildLatentGraph({ ...inputs, models })
    expect(graph.edges).toEqual([])
    expect(graph.missing.some(({ reason }) => reason.includes('sketch'))).toBe(true)
  })
})
