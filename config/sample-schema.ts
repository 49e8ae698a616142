import { z } from 'zod'
import {
  type FieldMeta,
  IDENTIFIER_ALLOWED,
  identifier,
  repeatedIds,
  sensorId,
  text,
} from './fields.ts'

const MiB = 2 ** 20

/** Recorded rows as a sensor, beside those of agent-schema.ts. */
export const replaySensor = z
  .strictObject({
    kind: z.literal('replay').describe('Replays rows that were recorded before.'),
    id: sensorId('csi-capture'),
    path: text.meta({
      path: true,
      examples: ['/var/lib/gainnet/csi.npy'],
      description: 'The rows: an npy file, a CSV table, or nothing but rows; also gzipped.',
    } satisfies FieldMeta),
    labels: text.optional().meta({
      path: true,
      examples: ['/var/lib/gainnet/csi-labels.npy'],
      description: 'The class of each row, an npy file.',
    } satisfies FieldMeta),
    labelColumn: text.optional().meta({
      examples: ['label'],
      description: 'Column of a CSV table with the class of each row; the others are the row.',
    } satisfies FieldMeta),
    element: z.enum(['uint8', 'float32']).default('float32').describe('Element of the rows.'),
    shape: z
      .array(z.int().min(1).max(4_194_304))
      .max(6)
      .default([])
      .describe('Shape of a row: [] one value, [56] a profile, [1, 48, 64] a picture.'),
    rowsPerSecond: z
      .number()
      .gt(0)
      .max(1_000_000)
      .default(100)
      .describe('Pace at which they are replayed, over and over.'),
  })
  .describe('A capture that is replayed.')

export const samples = z
  .strictObject({
    bytesMax: z
      .int()
      .min(MiB)
      .max(1024 * 1024 * MiB)
      .default(256 * MiB)
      .describe(
        'Disk space for recorded rows that models train on; the oldest are dropped beyond.',
      ),
  })
  .prefault({})
  .describe('The store of what was sensed. It never leaves the board.')

const labelFile = z
  .strictObject({
    kind: z.literal('file').describe('A table of times tells the classes.'),
    sensor: identifier().meta({
      allowed: IDENTIFIER_ALLOWED,
      examples: ['csi'],
      description: 'The sensor whose rows are labelled.',
    } satisfies FieldMeta),
    path: text.meta({
      path: true,
      examples: ['/var/lib/gainnet/csi-labels.csv'],
      description: 'CSV table with the columns from, to and class; it may be added to at any time.',
    } satisfies FieldMeta),
  })
  .describe('Labels from a file.')

const teacher = z
  .strictObject({
    kind: z.literal('teacher').describe('Another sensor of this agent tells the classes.'),
    sensor: identifier().meta({
      allowed: IDENTIFIER_ALLOWED,
      examples: ['camera'],
      description: 'The sensor whose rows are labelled.',
    } satisfies FieldMeta),
    teacher: identifier().meta({
      allowed: IDENTIFIER_ALLOWED,
      examples: ['presence'],
      description: 'The sensor that tells the class; the last one that it told holds.',
    } satisfies FieldMeta),
    column: z
      .int()
      .min(0)
      .max(4_194_303)
      .optional()
      .meta({
        derived: 'the classes of its rows',
        examples: [0],
        description: 'Value of a row of the teacher that is the class, counted from 0.',
      } satisfies FieldMeta),
    ageMsMax: z
      .int()
      .min(1)
      .max(3_600_000)
      .default(1000)
      .describe('How long a class holds after the teacher told it.'),
  })
  .describe('Labels from another sensor.')

export const labels = z
  .array(z.discriminatedUnion('kind', [labelFile, teacher]))
  .max(32)
  .default([])
  .describe('Who tells the classes of rows, where their sensor does not.')

/** Labels are of sensors that there are, each with one source. */
export function checkLabels(
  config: {
    readonly sensors: readonly { readonly id: string }[]
    readonly labels: z.infer<typeof labels>
  },
  context: z.RefinementCtx,
): void {
  const ids = config.sensors.map(({ id }) => id)
  const say = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path, message })
  for (const [index, label] of config.labels.entries()) {
    if (!ids.includes(label.sensor)) say(['labels', index, 'sensor'], 'is the id of no sensor')
    if (label.kind !== 'teacher') continue
    if (!ids.includes(label.teacher)) say(['labels', index, 'teacher'], 'is the id of no sensor')
    if (label.teacher === label.sensor) say(['labels', index, 'teacher'], 'is the sensor itself')
  }
  for (const index of repeatedIds(config.labels.map(({ sensor }) => sensor))) {
    say(['labels', index, 'sensor'], 'has another source of labels')
  }
}
