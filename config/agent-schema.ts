import { validate } from 'node-cron'
import { z } from 'zod'
import { camera } from './camera-schema.ts'
import {
  BROKER_URL_ALLOWED,
  brokerUrl,
  checkTlsFiles,
  type FieldMeta,
  IDENTIFIER_ALLOWED,
  identifier,
  keepaliveSeconds,
  log,
  password,
  passwordFile,
  repeatedIds,
  sensorId,
  stateDirectory,
  text,
  tlsFiles,
} from './fields.ts'
import { checkLabels, labels, replaySensor, samples } from './sample-schema.ts'
import { firmwareSensor, serialSensor, spectrumSensor } from './wired-sensor-schema.ts'

const MiB = 2 ** 20

const broker = z
  .strictObject({
    url: brokerUrl.default('mqtt://127.0.0.1:1883').meta({
      allowed: BROKER_URL_ALLOWED,
      description: 'Where the broker is: 1883 is the usual port without TLS, 8883 the one with.',
    } satisfies FieldMeta),
    username: text.optional().meta({
      derived: 'the agentId',
      examples: ['pi-04'],
      description: 'User name for the broker.',
    } satisfies FieldMeta),
    password,
    passwordFile,
    ...tlsFiles,
    keepaliveSeconds,
  })
  .superRefine(checkTlsFiles)
  .prefault({})
  .describe('The MQTT broker through which everything between agent and controller goes.')

function schedule(example: string, description: string) {
  return z
    .string()
    .check(({ value, issues }) => {
      if (!validate(value)) issues.push({ code: 'invalid_format', format: 'cron', input: value })
    })
    .default(example)
    .meta({
      allowed: 'a cron expression of 5 fields, or 6 with seconds first',
      description,
    } satisfies FieldMeta)
}

const measure = z
  .strictObject({
    procRoot: text.default('/proc').meta({
      path: true,
      description: 'Where the proc file system is mounted; another folder for a recorded board.',
    } satisfies FieldMeta),
    sysRoot: text.default('/sys').meta({
      path: true,
      description: 'Where the sysfs file system is mounted; another folder for a recorded board.',
    } satisfies FieldMeta),
    computeSchedule: schedule(
      '7 */6 * * *',
      'When all kernels of training are measured anew; it takes a core for 5 to 20 s, then all of them for some seconds.',
    ),
    linkSchedule: schedule(
      '41 */6 * * *',
      'When goodput is measured anew by filling the link; when the rate changes it is too.',
    ),
    linkBytesMax: z
      .int()
      .min(64 * 1024)
      .max(1024 * MiB)
      .default(128 * MiB)
      .describe('Bytes that one measurement of the link may spend, both directions together.'),
    linkBytesPerDayMax: z
      .int()
      .min(0)
      .max(1024 * 1024 * MiB)
      .default(4096 * MiB)
      .describe(
        'Bytes that measuring the link may spend a day; 0 only times what is transferred anyway.',
      ),
    linkCapacityShareMax: z
      .number()
      .min(0)
      .max(0.1)
      .default(0.01)
      .describe('Share of what the link carries in an hour that measuring may spend.'),
    linkMetered: z
      .enum(['auto', 'yes', 'no'])
      .default('auto')
      .describe(
        'Whether bytes cost money: then the link is not filled to measure it. ' +
          'auto: mobile broadband does.',
      ),
    forecastQuantile: z
      .number()
      .min(0)
      .max(1)
      .default(0.25)
      .describe(
        'Quantile of what a slot may have that is promised: at 0.25 three of four keep it.',
      ),
    historyRounds: z
      .int()
      .min(1)
      .max(1024)
      .default(16)
      .describe('Communication rounds that the forecast looks back.'),
  })
  .prefault({})
  .describe('What is measured, how often, and what that may cost.')

const limits = z
  .strictObject({
    computingShare: z
      .number()
      .gt(0)
      .max(1)
      .default(0.8)
      .describe('Share of each core that is offered at most.'),
    computingShareReserved: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        'Share of each core that is offered even while others keep it busy; give training a ' +
          'niceness with which it gets that much.',
      ),
    memoryBytes: z
      .int()
      .min(64 * MiB)
      .max(1024 * 1024 * MiB)
      .default(512 * MiB)
      .describe('Memory that a training run may take; its process is ended beyond it.'),
    threads: z
      .int()
      .min(1)
      .max(256)
      .default(1)
      .describe('Cores that a training run uses at once at most.'),
    niceness: z
      .int()
      .min(0)
      .max(19)
      .default(10)
      .describe('Priority of training: 0 is that of everybody else, 19 takes only idle time.'),
    transmitPower: z
      .enum(['advice', 'apply'])
      .default('advice')
      .describe(
        "Whether the controller's advice may change the power of a Wi-Fi uplink, within the bounds of " +
          'its regulator; needs iw and CAP_NET_ADMIN.',
      ),
  })
  .prefault({})
  .describe('What this board gives away at most.')

const outbox = z
  .strictObject({
    bytesMax: z
      .int()
      .min(MiB)
      .max(1024 * 1024 * MiB)
      .default(256 * MiB)
      .describe('Disk space for results that wait for the broker; the oldest are dropped beyond.'),
  })
  .prefault({})
  .describe('The store for what could not be sent yet.')

const textFolder = z
  .strictObject({
    kind: z.literal('text-folder').describe('Reads the text files below a folder as a sensor.'),
    id: sensorId('notes'),
    path: text.meta({
      path: true,
      examples: ['/var/lib/gainnet/notes'],
      description: 'Folder with the text files.',
    } satisfies FieldMeta),
    bytesPerSecond: z
      .int()
      .min(1)
      .max(100_000_000)
      .default(2000)
      .describe('Rate at which the sensor delivers.'),
  })
  .describe('Text files that arrive at the rate of a sensor.')

const sensors = z
  .array(
    z.discriminatedUnion('kind', [
      textFolder,
      replaySensor,
      camera,
      serialSensor,
      firmwareSensor,
      spectrumSensor,
    ]),
  )
  .max(32)
  .superRefine((entries, context) => {
    for (const index of repeatedIds(entries.map(({ id }) => id))) {
      context.addIssue({
        code: 'custom',
        path: [index, 'id'],
        message: 'is the id of another sensor',
      })
    }
  })
  .default([])
  .describe('The sensors of this board: what the models learn from.')

const rtlTcp = z
  .strictObject({
    kind: z.literal('rtl-tcp').describe('An RTL2832U receiver behind rtl_tcp, here or elsewhere.'),
    id: identifier().meta({
      allowed: IDENTIFIER_ALLOWED,
      examples: ['ism-868'],
      description: 'Name of the radio, unique on this agent.',
    } satisfies FieldMeta),
    host: text.default('127.0.0.1').describe('Where rtl_tcp listens.'),
    port: z.int().min(1).max(65_535).default(1234).describe('Port on which it listens.'),
    frequencyHz: z
      .int()
      .min(1_000_000)
      .max(6_000_000_000)
      .meta({
        examples: [868_300_000],
        description: 'Middle of the band that is watched.',
      } satisfies FieldMeta),
    rateHz: z
      .int()
      .min(225_001)
      .max(3_200_000)
      .default(2_400_000)
      .describe('Samples a second, which is also the width of the band.'),
    gainDb: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .meta({
        examples: [28],
        description: 'Gain of the tuner; it chooses by itself when not set, which moves the floor.',
      } satisfies FieldMeta),
    blocks: z
      .int()
      .min(1)
      .max(64)
      .refine(count => Number.isInteger(Math.log2(count)), 'must be a power of two')
      .default(16)
      .meta({
        allowed: 'a power of two up to 64',
        description: 'Resource blocks of equal width that the band is cut into.',
      } satisfies FieldMeta),
    listenShare: z
      .number()
      .min(0.05)
      .max(1)
      .default(0.25)
      .describe('Share of the time that is listened to: computing is saved with the rest.'),
  })
  .describe('A receiver that tells which part of a band is free.')

const radios = z
  .array(z.discriminatedUnion('kind', [rtlTcp]))
  .max(4)
  .superRefine((entries, context) => {
    for (const index of repeatedIds(entries.map(({ id }) => id))) {
      context.addIssue({
        code: 'custom',
        path: [index, 'id'],
        message: 'is the id of another radio',
      })
    }
  })
  .default([])
  .describe('The radios of this board: what measures which frequencies are free.')

type SensorEntries = z.infer<typeof sensors>
type RadioEntries = z.infer<typeof radios>

/** Radios are links of the URP with ids of their own, and what sensors are made of. */
function checkRadios(
  {
    link,
    sensors,
    radios,
  }: {
    readonly link: string
    readonly sensors: SensorEntries
    readonly radios: RadioEntries
  },
  context: z.RefinementCtx,
): void {
  const ids = radios.map(({ id }) => id)
  const say = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path, message })
  for (const [index, sensor] of sensors.entries()) {
    if (sensor.kind === 'spectrum' && !ids.includes(sensor.radio)) {
      say(['sensors', index, 'radio'], 'is the id of no radio')
    }
    if (ids.includes(sensor.id)) say(['sensors', index, 'id'], 'is the id of a radio')
  }
  if (ids.includes(link)) say(['radios', ids.indexOf(link), 'id'], 'is the name of the link')
}

export const AgentConfig = z
  .strictObject({
    agentId: identifier().meta({
      allowed: IDENTIFIER_ALLOWED,
      derived: 'the host name',
      examples: ['pi-04'],
      description: 'Name of this agent, unique in the site; part of every topic.',
    } satisfies FieldMeta),
    site: identifier()
      .default('home')
      .meta({
        allowed: IDENTIFIER_ALLOWED,
        description: 'Name of the fleet: agents and controller of one site share it.',
      } satisfies FieldMeta),
    link: identifier()
      .default('edge')
      .meta({
        allowed: IDENTIFIER_ALLOWED,
        description: 'Name of the edge server that the link leads to.',
      } satisfies FieldMeta),
    linkGroup: identifier()
      .optional()
      .meta({
        allowed: IDENTIFIER_ALLOWED,
        derived: 'the agentId',
        examples: ['barn'],
        description:
          'Name that agents behind one uplink share, so that they do not measure each other.',
      } satisfies FieldMeta),
    stateDirectory,
    broker,
    log,
    measure,
    limits,
    outbox,
    healthSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(30)
      .describe('Time between two reports of the health of this agent.'),
    sensors,
    samples,
    labels,
    radios,
  })
  .superRefine(checkRadios)
  .superRefine(checkLabels)
export type AgentConfig = z.infer<typeof AgentConfig>
