import { z } from 'zod'
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
  stateDirectory,
  text,
  tlsFiles,
} from './fields.ts'
import { models } from './model-schema.ts'

const broker = z
  .strictObject({
    mode: z
      .enum(['embedded', 'external'])
      .default('embedded')
      .describe('Whether the controller runs the broker itself or uses another, e.g. Mosquitto.'),
    host: text
      .default('127.0.0.1')
      .describe('Address that the embedded broker listens on; 0.0.0.0 for every network.'),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(1883)
      .describe('Port that the embedded broker listens on; 0 takes a free one.'),
    url: brokerUrl.optional().meta({
      allowed: BROKER_URL_ALLOWED,
      examples: ['mqtt://127.0.0.1:1883'],
      description: 'Where the external broker is; only with mode external.',
    } satisfies FieldMeta),
    username: text.default('controller').describe('User name of the controller at the broker.'),
    password,
    passwordFile,
    ...tlsFiles,
    keepaliveSeconds,
  })
  .superRefine(checkTlsFiles)
  .superRefine(({ mode, url }, context) => {
    if (mode === 'external' && url === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['url'],
        message: `is missing: broker.mode external needs ${BROKER_URL_ALLOWED}`,
      })
    }
    if (mode === 'embedded' && url !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['url'],
        message: 'has no effect with broker.mode embedded: set mode to external or remove it',
      })
    }
  })
  .prefault({})
  .describe('The MQTT broker through which everything between agents and controller goes.')

const clock = z
  .strictObject({
    slots: z
      .int()
      .min(2)
      .max(4096)
      .default(10)
      .describe('Slots of a communication round; the first is for control.'),
    slotMs: z.int().min(1).max(600_000).default(3000).describe('Length of a slot.'),
  })
  .prefault({})
  .describe('The system clock: how a communication round is cut.')

const probe = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether agents measure their links at a port of their own, beside the broker.'),
    host: text.optional().meta({
      derived: 'broker.host',
      examples: ['0.0.0.0'],
      description: 'Address that the probe server listens on, over TCP and UDP.',
    } satisfies FieldMeta),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(1884)
      .describe('Port of the probe server, over TCP and UDP; 0 takes a free one.'),
    publicHost: text.optional().meta({
      derived: "the agent's broker host",
      examples: ['edge.example.org'],
      description: 'Host by which agents reach the probe server.',
    } satisfies FieldMeta),
    bulkProbesMax: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('Agents that fill their links at once: they share the link of this server.'),
    bytesMax: z
      .int()
      .min(64 * 1024)
      .max(16 * 2 ** 30)
      .default(256 * 2 ** 20)
      .describe('Bytes that one probe in one direction may take.'),
    groupBytesPerDayMax: z
      .int()
      .min(64 * 1024)
      .max(2 ** 44)
      .default(8 * 2 ** 30)
      .describe('Bytes that the probes of one link group may take a day.'),
  })
  .prefault({})
  .describe('The port at which agents measure their links.')

const rounds = z
  .strictObject({
    limit: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .optional()
      .meta({
        examples: [100],
        description: 'GAI rounds after which the controller ends; without end when not set.',
      } satisfies FieldMeta),
    agentsMin: z
      .int()
      .min(1)
      .max(10_000)
      .default(1)
      .describe('Agents that must be there before the first round.'),
    agentsWaitSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(120)
      .describe('How long the controller waits for them.'),
  })
  .prefault({})
  .describe('When rounds start and end.')

const gain = z
  .strictObject({
    effectiveSamplesPrior: z
      .number()
      .gt(0)
      .max(1_000_000_000)
      .default(50)
      .describe('Effective samples that a model has absorbed before the first round.'),
    exponent: z
      .number()
      .gt(0)
      .max(1)
      .default(0.35)
      .describe('Exponent of the learning curve, loss over samples.'),
    smoothing: z
      .number()
      .gt(0)
      .max(1)
      .default(0.05)
      .describe('Added to each count of a data sketch before sketches are compared.'),
  })
  .prefault({})
  .describe('The GAI gain: what a device is expected to add to a model.')

const training = z
  .strictObject({
    localEpochs: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('Times that an agent goes through its samples in a round.'),
    batch: z.int().min(1).max(65_536).default(64).describe('Samples of one training step.'),
    learningRate: z.number().gt(0).max(10).default(0.002).describe('Step size of the optimizer.'),
    encoding: z
      .enum(['float32', 'float16', 'int8', 'top-k'])
      .default('float32')
      .describe('How the numbers of an update travel: the shorter ones lose some accuracy.'),
    topShare: z
      .number()
      .gt(0)
      .max(1)
      .default(0.05)
      .describe(
        'Share of the values that top-k sends, the greatest; the others wait on the board.',
      ),
    storedSamplesMax: z
      .int()
      .min(0)
      .max(1_000_000_000)
      .default(0)
      .describe(
        'Older samples that an agent may train on beside those just sensed, where it has them ' +
          'stored and its slots have room.',
      ),
  })
  .prefault({})
  .describe('How the agents train.')

const aggregation = z
  .strictObject({
    rule: z
      .enum([
        'fed-avg',
        'fed-avg-m',
        'fed-adam',
        'fed-yogi',
        'trimmed-mean',
        'coordinate-median',
        'krum',
        'multi-krum',
        'geometric-median',
      ])
      .default('fed-avg')
      .describe('What a new version is made by: see the page on aggregation.'),
    learningRate: z
      .number()
      .gt(0)
      .max(100)
      .default(1)
      .describe('Step along the mean change, of fed-avg-m, fed-adam and fed-yogi.'),
    momentum: z
      .number()
      .min(0)
      .max(0.999)
      .default(0.9)
      .describe('Share of the change before that goes on, of the same three.'),
    secondMomentum: z
      .number()
      .min(0)
      .max(0.9999)
      .default(0.99)
      .describe('Share of the squared change before that stays, of fed-adam and fed-yogi.'),
    adaptivity: z
      .number()
      .gt(0)
      .max(1)
      .default(0.001)
      .describe('Change that counts as small, of fed-adam and fed-yogi.'),
    trimmedShare: z
      .number()
      .min(0)
      .max(0.49)
      .default(0.2)
      .describe('Share of the updates that trimmed-mean leaves out at either end.'),
    liarsMax: z
      .int()
      .min(0)
      .max(10_000)
      .default(1)
      .describe('Devices that may lie before krum and multi-krum fail; it takes 2 of them + 3.'),
    kept: z
      .int()
      .min(1)
      .max(10_000)
      .default(3)
      .describe('Updates that multi-krum averages at most.'),
  })
  .prefault({})
  .describe('How the updates of a round become a new version.')

const evaluation = z
  .strictObject({
    niceness: z
      .int()
      .min(0)
      .max(19)
      .default(5)
      .describe('Priority of evaluation: 0 is that of everybody else, 19 takes only idle time.'),
  })
  .prefault({})
  .describe('How new versions of the models are judged.')

export const ControllerConfig = z.strictObject({
  controllerId: identifier()
    .default('edge')
    .meta({
      allowed: IDENTIFIER_ALLOWED,
      description: 'Name of this edge server.',
    } satisfies FieldMeta),
  site: identifier()
    .default('home')
    .meta({
      allowed: IDENTIFIER_ALLOWED,
      description: 'Name of the fleet: agents and controller of one site share it.',
    } satisfies FieldMeta),
  stateDirectory,
  broker,
  log,
  clock,
  probe,
  rounds,
  schedule: z
    .enum(['zeros', 'serial'])
    .default('zeros')
    .describe(
      'Whether a device senses for one round while it trains on what it sensed for the round ' +
        'before (zeros), or does all of a round in one communication round, part after part.',
    ),
  policy: identifier()
    .default('greedy-gain')
    .meta({
      allowed: IDENTIFIER_ALLOWED,
      description: 'Name of the policy that decides which device serves which model.',
    } satisfies FieldMeta),
  policyFile: text.optional().meta({
    path: true,
    examples: ['/var/lib/gainnet/policy.onnx'],
    description:
      'Networks of the policy sac, as `gainnet policy train` writes them; those that came with the ' +
      'program when absent. Where there are none, the rules decide.',
  } satisfies FieldMeta),
  gain,
  training,
  aggregation,
  evaluation,
  models,
})
export type ControllerConfig = z.infer<typeof ControllerConfig>
