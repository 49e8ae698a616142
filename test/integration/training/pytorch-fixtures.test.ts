import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeSafetensors } from '../../../training/checkpoint/safetensors.ts'
import { readFormMetadata } from '../../../training/forms/form-metadata.ts'
import { buildTrainingArtifact } from '../../../training/forms/training-artifact.ts'
import { buildTrainingForms } from '../../../training/forms/training-forms.ts'
import { loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'
import { TrainingRun } from '../../../training/trainer/training-run.ts'
import { ROOT } from '../../support/root.ts'
import { relativeError } from './reference-check.ts'

// Models as PyTorch exports them, with what PyTorch makes of them: bench/pytorch/make_fixtures.py.
const FOLDER = join(ROOT, 'test', 'fixtures', 'pytorch')
const GRADIENT = 'gradient.'
const LEARNING_RATE = 0.01
/** Their running statistics go from step to step, which the gradients of one batch alone cannot. */
const HAS_STATISTICS: ReadonlySet<string> = new Set(['batch-norm'])

const names = readdirSync(FOLDER)
  .filter(file => file.endsWith('.onnx'))
  .map(file => file.slice(0, -'.onnx'.length))

const ort = await loadOrt()

function readFixture(name: string) {
  const { tensors } = decodeSafetensors(readFileSync(join(FOLDER, `${name}.safetensors`)))
  const find = (wanted: string) => {
    const found = tensors.find(tensor => tensor.name === wanted)
    if (!found) throw new RangeError(`the fixture ${name} has no ${wanted}`)
    return found
  }
  const inputs = find('inputs')
  const [batch = 0] = inputs.shape
  const gradients = tensors.flatMap(tensor =>
    tensor.name.startsWith(GRADIENT)
      ? [[tensor.name.slice(GRADIENT.length), Float64Array.from(tensor.values)] as const]
      : [],
  )
  return {
    ...{ gradients, batch },
    model: readFileSync(join(FOLDER, `${name}.onnx`)),
    options: {
      loss: 'softmax-cross-entropy',
      optimizer: { kind: 'adam' },
      batch,
      trainable: gradients.map(([parameter]) => parameter),
    } as const,
    // Everything in the file is float32, tokens too.
    inputs: name === 'gpt' ? Int32Array.from(inputs.values) : inputs.values,
    inputWidth: inputs.values.length / batch,
    inputShape: inputs.shape,
    labels: Int32Array.from(find('labels').values),
    labelShape: find('labels').shape,
    losses: find('losses').values,
  }
}

type Fixture = ReturnType<typeof readFixture>

function readGradientForm(fixture: Fixture) {
  const { models, initialParameters } = buildTrainingForms(fixture.model, {
    ...fixture.options,
    forms: ['grad'],
  })
  const metadata = readFormMetadata(models.grad)
  if (metadata.form !== 'grad') throw new RangeError(`the form says it is ${metadata.form}`)
  return { ...fixture, models, metadata, initialParameters }
}

async function runGradientForm(fixture: ReturnType<typeof readGradientForm>) {
  const { models, metadata, initialParameters, batch } = fixture
  const { samples, labels, weights } = metadata.inputs
  const { inputs, inputShape, labelShape } = fixture
  const session = await openOrtSession(ort, models.grad)
  try {
    return await session.run({
      [samples[0]?.input ?? '']:
        inputs instanceof Int32Array
          ? new ort.Tensor('int32', inputs, inputShape)
          : new ort.Tensor('float32', inputs, inputShape),
      [labels?.name ?? '']: new ort.Tensor('int32', fixture.labels, labelShape),
      [weights]: new ort.Tensor('float32', new Float32Array(batch).fill(1), [batch]),
      ...Object.fromEntries(
        metadata.parameters.map(({ input, shape, offset, count }) => {
          const values = initialParameters.slice(offset, offset + count)
          return [input, new ort.Tensor('float32', values, shape)]
        }),
      ),
    })
  } finally {
    await session.release()
  }
}

describe.each(names)('%s, as PyTorch exports it', name => {
  test.skipIf(HAS_STATISTICS.has(name))('has the gradients that PyTorch has', async () => {
    const fixture = readGradientForm(readFixture(name))
    const outputs = await runGradientForm(fixture)
    for (const [parameter, expected] of fixture.gradients) {
      const role = fixture.metadata.parameters.find(({ name }) => name === parameter)
      const computed = outputs[role?.gradient ?? '']?.data
      if (!(computed instanceof Float32Array)) throw new RangeError(`no gradient of ${parameter}`)
      expect(relativeError(Float64Array.from(computed), expected), parameter).toBeLessThan(1e-5)
    }
  })

  test('has the losses that PyTorch has, over 20 steps of Adam', async () => {
    const { model, options, inputs, inputWidth, labels, losses } = readFixture(name)
    const artifact = buildTrainingArtifact(model, options)
    const training = await TrainingRun.open(ort, {
      artifact: artifact.bytes,
      parameters: artifact.initialParameters,
      ...{ inputs, inputWidth, labels, seed: 1 },
    })
    try {
      const steps = losses.length
      const computed = await training.step({ steps, learningRate: LEARNING_RATE })
      expect(steps).toBe(20)
      for (const [step, loss] of losses.entries()) {
        expect(Math.abs((computed[step] ?? 0) - loss), `step ${step + 1}`).toBeLessThan(1e-4)
      }
    } finally {
      await training.release()
    }
  })
})
