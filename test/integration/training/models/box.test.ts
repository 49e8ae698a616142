import { expect, onTestFinished, test } from 'vitest'
import { seededRandom, standardNormal } from '../../../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../../../../training/forms/training-artifact.ts'
import { readForwardModel } from '../../../../training/forward/forward-graph.ts'
import { probeGradients } from '../../../../training/gradient-probe/gradient-probe.ts'
import { buildModel, usualLoss } from '../../../../training/models/registry.ts'
import { ELEMENT } from '../../../../training/onnx/element-type.ts'
import { elementCount } from '../../../../training/onnx/tensor.ts'
import { loadOrt, openOrtSession } from '../../../../training/trainer/ort-session.ts'
import { boxCases } from './box-cases.ts'
import { sequenceCases } from './sequence-cases.ts'

const cases = [...boxCases, ...sequenceCases]
const SEED = 20261122
const BATCH = 3

test.each(cases)('$name runs, and gives what its page says', async ({ options, outputs }) => {
  const bytes = buildModel(options)
  const [prediction = ''] = Object.keys(outputs)
  const { inputs } = readForwardModel(bytes, { prediction })
  const ort = await loadOrt()
  const random = seededRandom(SEED)
  const feeds = inputs.map(({ name, elementType, sampleShape }) => {
    const shape = [BATCH, ...sampleShape]
    const numbers = { length: elementCount(shape) }
    const tensor =
      elementType === ELEMENT.int32
        ? new ort.Tensor(
            'int32',
            Int32Array.from(numbers, () => random() * 50),
            shape,
          )
        : new ort.Tensor(
            'float32',
            Float32Array.from(numbers, () => standardNormal(random)),
            shape,
          )
    return [name, tensor] as const
  })
  const session = await openOrtSession(ort, bytes)
  onTestFinished(() => session.release())
  const ran = await session.run(Object.fromEntries(feeds))
  const shapes = Object.entries(ran).map(([name, { dims }]) => [name, dims.slice(1)])
  expect(Object.fromEntries(shapes)).toEqual(outputs)
  for (const { dims, data } of Object.values(ran)) {
    expect(dims[0]).toBe(BATCH)
    expect(Array.from(data as Float32Array).every(Number.isFinite)).toBe(true)
  }
})

test.each(cases)('the gradients of $name equal finite differences', async ({ options }) => {
  const report = await probeGradients(buildModel(options), { seed: SEED })
  expect(report.tensors.length).toBeGreaterThan(0)
  expect(report.relativeErrorMax, JSON.stringify(report.tensors[0])).toBeLessThan(1e-4)
})

test.each(cases)('$name trains by the loss that it is made for', ({ options }) => {
  const bytes = buildModel(options)
  const { parameters } = buildTrainingArtifact(bytes, {
    loss: usualLoss(options.kind),
    optimizer: { kind: 'adam' },
    batch: 4,
  })
  expect(parameters.length).toBeGreaterThan(0)
  expect(parameters.every(({ name }) => /\.(weight|bias)$/.test(name))).toBe(true)
})
