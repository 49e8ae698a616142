import { z } from 'zod'
import { type FieldMeta, IDENTIFIER_ALLOWED, identifier, repeatedIds, text } from './fields.ts'

function modelId(example: string) {
  return identifier().meta({
    allowed: IDENTIFIER_ALLOWED,
    examples: [example],
    description: 'Name of the model, unique on this controller; part of topics.',
  } satisfies FieldMeta)
}

const common = {
  value: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('Worth of an improvement of this model against one of the others.'),
  devicesMax: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({
      examples: [8],
      description: 'Devices that may serve this model in one round; all when absent.',
    } satisfies FieldMeta),
  sensorKinds: z
    .array(identifier())
    .max(32)
    .default([])
    .meta({
      allowed: 'a list of at most 32 kinds of sensors',
      description: 'Kinds of sensors that it learns from; all whose rows fit when empty.',
    } satisfies FieldMeta),
}

const heldBackText = z
  .strictObject({
    path: text.meta({
      path: true,
      examples: ['/var/lib/gainnet/held-back'],
      description: 'File or folder of text that no agent trains on.',
    } satisfies FieldMeta),
    bytesMax: z
      .int()
      .min(256)
      .max(64 * 2 ** 20)
      .default(65_536)
      .describe('Bytes of it that are used.'),
  })
  .describe('The text that judges the model.')

const byteLanguageModel = z
  .strictObject({
    modelId: modelId('prose'),
    ...common,
    kind: z
      .literal('byte-language-model')
      .default('byte-language-model')
      .describe('Predicts the next byte from the bytes before it.'),
    contextBytes: z.int().min(1).max(1024).default(16).describe('Bytes that a prediction sees.'),
    embeddingSize: z.int().min(1).max(1024).default(16).describe('Numbers that stand for a byte.'),
    hiddenSizes: z
      .array(z.int().min(1).max(8192))
      .min(1)
      .max(16)
      .default([128])
      .describe('Width of each hidden layer.'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(1)
      .describe('Seed of the first parameters.'),
    evaluation: heldBackText,
    prompt: text.default('The ').describe('Text that generated samples start with.'),
  })
  .describe('A model of text.')

const heldBackRows = z
  .strictObject({
    path: text.meta({
      path: true,
      examples: ['/var/lib/gainnet/csi-held-back.npy'],
      description: 'Rows that no agent trains on: an npy file, a CSV table, or bytes.',
    } satisfies FieldMeta),
    labels: text.optional().meta({
      path: true,
      examples: ['/var/lib/gainnet/csi-held-back-labels.npy'],
      description: 'The class of each row, an npy file; a CSV table has a column of them.',
    } satisfies FieldMeta),
    labelColumn: text.optional().meta({
      examples: ['label'],
      description: 'Column of a CSV table with the class of each row; the others are the row.',
    } satisfies FieldMeta),
  })
  .describe('The rows that judge the model.')

const samples = z
  .strictObject({
    element: z
      .enum(['uint8', 'float32'])
      .default('float32')
      .describe('Element of the rows that it learns from.'),
    shape: z
      .array(z.int().min(1).max(4_194_304))
      .max(6)
      .default([])
      .describe('Shape of a row: [] one value, [56] a profile, [1, 48, 64] a picture.'),
    windowRows: z
      .int()
      .min(1)
      .max(65_536)
      .default(1)
      .describe('Consecutive rows of a sample that the model sees.'),
    strideRows: z
      .int()
      .min(1)
      .max(65_536)
      .default(1)
      .describe('Rows from the start of one sample to the start of the next.'),
    rowsPerSecond: z
      .number()
      .gt(0)
      .max(1_000_000)
      .optional()
      .meta({
        derived: 'that of the sensor',
        examples: [5],
        description: 'Rate of the rows that it learns from; a faster sensor is thinned out.',
      } satisfies FieldMeta),
    rowsLast: z
      .boolean()
      .default(false)
      .describe('Whether rows are the last axis of its input, as cnn-1d has it, not the first.'),
    scaling: z
      .enum(['none', 'standardize'])
      .default('none')
      .describe(
        'Whether values are brought to mean 0 and deviation 1, those of the held-back rows.',
      ),
  })
  .prefault({})
  .describe('The samples that it takes: windows of rows.')

const ofRows = {
  ...common,
  objective: z.enum(['classes', 'next-row', 'reconstruction', 'next-byte']).meta({
    examples: ['classes'],
    description: 'What it learns of a sample: its class, what comes next, or the sample itself.',
  } satisfies FieldMeta),
  loss: text.optional().meta({
    derived: 'the usual one of the objective',
    examples: ['huber'],
    description: 'Loss that it is trained and judged by: see the page on models.',
  } satisfies FieldMeta),
  samples,
  evaluation: heldBackRows,
}

const builtIn = z
  .strictObject({
    modelId: modelId('activity'),
    ...ofRows,
    kind: z.literal('built-in').describe('A model of the registry: see the page on models.'),
    architecture: z.record(z.string(), z.unknown()).meta({
      allowed: 'the kind of a model and its settings',
      examples: [{ kind: 'mlp', inputSize: 2800, outputSize: 10 }],
      description: 'Which model, and its settings.',
    } satisfies FieldMeta),
  })
  .describe('A model of the registry.')

const onnxFile = z
  .strictObject({
    modelId: modelId('mine'),
    ...ofRows,
    kind: z.literal('onnx').describe('A model of your own: an ONNX file that trains.'),
    path: text.meta({
      path: true,
      examples: ['/var/lib/gainnet/my-model.onnx'],
      description: 'The file. gainnet model inspect says whether it can be trained.',
    } satisfies FieldMeta),
    output: text.optional().meta({
      derived: 'its only output',
      examples: ['logits'],
      description: 'Output that is trained.',
    } satisfies FieldMeta),
  })
  .describe('A model of your own.')

const model = z.discriminatedUnion('kind', [byteLanguageModel, builtIn, onnxFile])

export const models = z
  .array(model)
  .min(1)
  .max(64)
  .superRefine((entries, context) => {
    for (const index of repeatedIds(entries.map(({ modelId }) => modelId))) {
      context.addIssue({
        code: 'custom',
        path: [index, 'modelId'],
        message: 'is the modelId of another model',
      })
    }
  })
  .describe('The domain-specific models that learn from the fleet.')
