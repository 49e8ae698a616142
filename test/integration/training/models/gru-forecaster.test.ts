import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { buildInferenceForm } from '../../../../training/forms/inference-form.ts'
import { readForwardModel } from '../../../../training/forward/forward-graph.ts'
import { buildModel } from '../../../../training/models/registry.ts'
import { floatOutput, loadOrt, openOrtSession } from '../../../../training/trainer/ort-session.ts'
import { sharedFile } from '../../../support/directories.ts'
import { learn } from './learn.ts'

const WINDOW = 16
const HORIZON = 4
const LEVELS = [0.1, 0.5, 0.9]

const traceSchema = z.looseObject({
  app: z.string(),
  dl_kbps: z.array(z.number().nullable()).exactOptional(),
})

/** Downlink rates of phones in a 5G network, as ln(1 + Mbit/s): a trace a row. */
function readRates(): readonly (readonly number[])[] | undefined {
  const file = sharedFile('data/network-traces/irish-5g.jsonl.gz')
  if (!file) return undefined
  const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
  return lines
    .map(line => traceSchema.parse(JSON.parse(line)))
    .filter(({ app }) => app === 'Download')
    .map(({ dl_kbps: rates = [] }) => rates.flatMap(rate => (rate === null ? [] : [rate])))
    .map(rates => rates.map(rate => Math.log1p(rate / 1000)))
}

/** Every third window of each trace, and what came after it. */
function windowsOf(traces: readonly (readonly number[])[]) {
  const starts = traces.flatMap(rates =>
    Array.from({ length: Math.max(0, Math.floor((rates.length - WINDOW - HORIZON) / 3)) }, (_, i) =>
      rates.slice(3 * i, 3 * i + WINDOW + HORIZON),
    ),
  )
  return {
    inputs: Float32Array.from(starts.flatMap(rates => rates.slice(0, WINDOW))),
    inputWidth: WINDOW,
    labels: Float32Array.from(starts.flatMap(rates => rates.slice(WINDOW))),
  }
}

test('quantiles of the coming downlink rates are learned from those before', async ({ skip }) => {
  const traces = readRates()
  if (!traces) return skip('this machine has no shared data/network-traces')
  const training = windowsOf(traces.filter((_, index) => index % 4 !== 0).slice(0, 12))
  const heldBack = windowsOf(traces.filter((_, index) => index % 4 === 0).slice(0, 3))
  const model = buildModel({
    kind: 'gru-forecaster',
    windowSteps: WINDOW,
    hiddenWidth: 24,
    horizonSteps: HORIZON,
    quantiles: LEVELS.length,
  })
  const { before, after, parameters } = await learn(model, {
    loss: { kind: 'quantile', levels: LEVELS },
    batch: 32,
    steps: 250,
    learningRate: { kind: 'cosine', rate: 0.01, steps: 250 },
    training,
    heldBack,
  })
  // Holding the last rate for all quantiles.
  const held = heldBack.labels.reduce((sum, label, place) => {
    const row = Math.floor(place / HORIZON)
    return sum + Math.abs(label - (heldBack.inputs[row * WINDOW + WINDOW - 1] ?? 0)) / 2
  }, 0)
  const heldLoss = held / heldBack.labels.length
  expect(after).toBeLessThan(0.3 * before)
  expect(after).toBeLessThan(heldLoss)

  const { parameters: places } = readForwardModel(model)
  const trained = buildInferenceForm(model, { parameters: places, values: parameters })
  const ort = await loadOrt()
  const session = await openOrtSession(ort, trained)
  onTestFinished(() => session.release())
  const rows = heldBack.inputs.length / WINDOW
  const window = new ort.Tensor('float32', heldBack.inputs, [rows, WINDOW, 1])
  const forecast = floatOutput(await session.run({ window }), 'forecast')
  const below = LEVELS.map((_, level) => {
    const isBelow = heldBack.labels.map((label, place) =>
      label <= (forecast[place * LEVELS.length + level] ?? 0) ? 1 : 0,
    )
    return isBelow.reduce((a, b) => a + b, 0) / isBelow.length
  })
  for (const [index, level] of LEVELS.entries()) {
    expect(Math.abs((below[index] ?? 0) - level), `${below}`).toBeLessThan(0.12)
  }
})

test('one value a step is learned from a sine', async () => {
  const sine = Array.from({ length: 400 }, (_, step) => Math.sin(step / 4))
  const samples = windowsOf([sine])
  const { before, after } = await learn(
    buildModel({ kind: 'gru-forecaster', windowSteps: WINDOW, horizonSteps: HORIZON }),
    {
      loss: 'mean-squared-error',
      batch: 16,
      steps: 150,
      learningRate: 0.01,
      training: samples,
      heldBack: samples,
    },
  )
  expect(before).toBeGreaterThan(0.3)
  expect(after).toBeLessThan(0.02)
})
