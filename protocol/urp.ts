import { z } from 'zod'
import { envelope, Id, Time } from './envelope.ts'
import { MatrixCodec } from './matrix.ts'
import { RowForm } from './row-form.ts'

/**
 * The universal resource pool (URP): what one device offers in one communication round, decoupled
 * from what it is used for (GainNet, III-B). A time-frequency matrix a link, a time-computing
 * matrix, and the measured figures that give the cells their size.
 */

/** A measured quantity: never a bare number. Quantiles over `n` measurements. */
export const Quantity = z.strictObject({
  p10: z.number().nonnegative(),
  p50: z.number().nonnegative(),
  p90: z.number().nonnegative(),
  n: z.int().min(1),
  method: z.string().max(80),
  measuredAt: Time,
  bytesSpent: z.int().nonnegative().describe('Bytes that measuring cost, 0 when passive.'),
})
export type Quantity = z.infer<typeof Quantity>

export const FrequencyPool = z.strictObject({
  link: Id.describe('Edge server that the link leads to.'),
  kind: z.enum(['spectrum', 'link-share']),
  blockCount: z.int().min(1).max(512),
  blockWidthHz: z.number().positive().optional().describe('Only where the link has a spectrum.'),
  availability: MatrixCodec.describe('slots x blocks, 1 = wholly free.'),
})
export type FrequencyPool = z.infer<typeof FrequencyPool>

export const ComputingUnit = z.strictObject({
  unit: Id.describe('cpu0, cpu1 …'),
  kind: z.enum(['cpu-core', 'gpu']),
  peakFlopsPerSecond: z.number().positive().describe('Measured with the training kernels.'),
  sustainedFactor: z.number().positive().max(1).describe('Sustained rate over peak rate.'),
})

/** The rate of one kernel that training uses, per second of CPU time: quantiles over `n` runs. */
const KernelRate = z.strictObject({
  kernel: Id.describe('gemm, convolution, attention, memory …'),
  unit: z.enum(['FLOP/s', 'B/s', 'operators/s']),
  p10: z.number().positive(),
  p50: z.number().positive(),
  p90: z.number().positive(),
  n: z.int().min(1).describe('Runs, without those that were left out.'),
  discarded: z
    .int()
    .nonnegative()
    .describe('Runs left out: warm-up, or the board was slowed down.'),
})

const seconds = z.number().nonnegative()

/** What the cores of one kind reach, and from what the time of a training step is predicted. */
export const CoreClass = z.strictObject({
  units: z.array(Id).min(1).max(256),
  kernels: z.array(KernelRate).max(32),
  secondsPer: z
    .strictObject({
      flops: seconds,
      columnBytes: seconds,
      sweptBytes: seconds,
      largeBytes: seconds,
      movedBytes: seconds,
      operators: seconds,
      farOperators: seconds,
      stateBytes: seconds,
    })
    .optional()
    .describe('CPU time for one of each kind of work; absent until all kernels were measured.'),
})
export type CoreClass = z.infer<typeof CoreClass>

/** Lost packets out of those sent: a measured 0 has its count. */
const LostShare = z.strictObject({
  share: z.number().min(0).max(1),
  n: z.int().min(1).describe('Packets that were sent.'),
})

/** What a cellular modem says of the cell that serves it; what it does not know is absent. */
export const CellFigures = z.strictObject({
  technology: z.string().max(20).optional(),
  band: z.int().min(1).optional(),
  rssiDbm: z.number().optional(),
  rsrpDbm: z.number().optional(),
  rsrqDb: z.number().optional(),
  sinrDb: z.number().optional(),
  downlinkHz: z.number().positive().optional().describe('Width of the channel.'),
  uplinkHz: z.number().positive().optional(),
  measuredAt: Time,
})
export type CellFigures = z.infer<typeof CellFigures>

/** How busy the channel of a Wi-Fi radio was, as it counted itself. */
export const ChannelFigures = z.strictObject({
  frequencyHz: z.number().positive(),
  busyShare: z.number().min(0).max(1).describe('Of the time; the own use of it included.'),
  heardSeconds: z.number().positive().describe('Time that it is the mean of.'),
  noiseDbm: z.number().optional(),
  measuredAt: Time,
})
export type ChannelFigures = z.infer<typeof ChannelFigures>

export const LinkFigures = z.strictObject({
  link: Id,
  downlinkBitsPerSecond: Quantity.optional(),
  uplinkBitsPerSecond: Quantity.optional(),
  rttMs: Quantity.extend({
    min: z.number().nonnegative(),
    p95: z.number().nonnegative().optional(),
  }).optional(),
  downlinkCapacityBitsPerSecond: Quantity.optional().describe('Of IP, by trains of packets.'),
  uplinkCapacityBitsPerSecond: Quantity.optional(),
  loss: z
    .strictObject({ down: LostShare, up: LostShare, method: z.string().max(80), measuredAt: Time })
    .optional()
    .describe('Of small packets that are sent apart.'),
  jitterMs: z
    .strictObject({
      down: z.number().nonnegative(),
      up: z.number().nonnegative(),
      delayVariationDown: z.number().nonnegative().describe('95th percentile above the least.'),
      delayVariationUp: z.number().nonnegative(),
      method: z.string().max(80),
      measuredAt: Time,
    })
    .optional()
    .describe('RFC 3550, 6.4.1.'),
  retransmittedShare: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('TCP segments of this machine that were sent again while an uplink was probed.'),
  congestionControl: z
    .string()
    .max(40)
    .optional()
    .describe("Of the agent's TCP, by which the uplink was filled: cubic, bbr."),
  interface: z
    .strictObject({
      name: z.string().max(40),
      kind: z.string().max(40),
      isMetered: z.boolean(),
      rssiDbm: z.number().optional(),
      bitsPerSecond: z.number().positive().optional().describe('Of the wire or the radio.'),
    })
    .optional(),
  cell: CellFigures.optional().describe('Where a modem is a sensor of the board.'),
  channel: ChannelFigures.optional().describe('Where the board has Wi-Fi and iw.'),
})
export type LinkFigures = z.infer<typeof LinkFigures>

/**
 * What the local data look like: counts per bin, the same bins on every device. A byte is its own
 * bin; a float32 falls into the bin of its 8-bit form (docs/decisions/005-sketch-of-rows.md).
 */
export const DataSketch = z.strictObject({
  kind: z.enum(['byte-histogram', 'float8-histogram']),
  counts: z.array(z.number().nonnegative()).length(256),
  sampleCount: z.int().nonnegative(),
  epsilon: z.number().positive().optional().describe('Laplace noise of 1/epsilon was added.'),
})
export type DataSketch = z.infer<typeof DataSketch>

export const SensingFigures = z.strictObject({
  sensor: Id,
  kind: z.string().max(40),
  form: RowForm.describe('What one row is: models are matched by it.'),
  rowsPerSecond: z.number().nonnegative(),
  bytesPerSecond: z.number().nonnegative(),
  dropShare: z.number().min(0).max(1),
  resourceBlocks: z.int().nonnegative().describe('Blocks per slot that sensing itself takes.'),
  labelled: z.boolean().describe('Its rows have classes: its own, of a file, of another sensor.'),
  sketch: DataSketch.optional().describe('Absent while nothing is known of its data.'),
})
export type SensingFigures = z.infer<typeof SensingFigures>

/** What a row of a matrix will be like on average over the round, and how such forecasts were. */
export const RowForecast = z.strictObject({
  row: z.string().min(1).max(80).describe('Unit, or edge server that the link leads to.'),
  p10: z.number().min(0).max(1),
  p50: z.number().min(0).max(1).describe('Mean availability of the row over the round.'),
  p90: z.number().min(0).max(1).describe('p10 to p90 is to hold it in four rounds of five.'),
  method: z.string().max(80).describe('The one with the most weight, by past errors.'),
  n: z.int().min(0).describe('Past forecasts that the figures below are of; absent where 0.'),
  errorMean: z.number().nonnegative().optional().describe('Mean absolute error of p50.'),
  persistenceErrorMean: z
    .number()
    .nonnegative()
    .optional()
    .describe('The same for saying that all stays as it is.'),
  coverage80: z.number().min(0).max(1).optional().describe('Share between p10 and p90.'),
  promise: z
    .string()
    .max(80)
    .optional()
    .describe('How the slots of the matrix came about: the method whose promises were best.'),
  promiseKept: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Share of past slots that had what the matrix promised.'),
})
export type RowForecast = z.infer<typeof RowForecast>

/** How a figure came about. Absent is absent, with its reason, and never 0. */
export const Provenance = z.strictObject({
  status: z.enum(['ok', 'absent', 'failed']),
  method: z.string().max(120).optional(),
  reason: z.string().max(300).optional(),
  measuredAt: Time,
  durationMs: z.number().nonnegative(),
  temperatureCelsius: z.number().optional(),
  frequencyHz: z.number().positive().optional(),
  throttled: z.boolean().optional(),
  underVoltage: z.boolean().optional(),
  forecastErrorMean: z
    .number()
    .nonnegative()
    .optional()
    .describe('Mean absolute error of past forecasts of this row, in availability.'),
  forecasts: z.array(RowForecast).max(256).optional().describe('Of each row, over the round.'),
  samples: z.int().nonnegative().optional().describe('That count, without what was discarded.'),
  discarded: z
    .array(z.strictObject({ reason: z.string().max(200), count: z.int().min(1) }))
    .max(32)
    .optional(),
})
export type Provenance = z.infer<typeof Provenance>

/** The agent's clock against the controller's, by exchanges of four time stamps (RFC 5905, 8). */
export const ClockFigures = z.strictObject({
  offsetMs: z.number().describe("Controller's clock minus the agent's."),
  errorMs: z
    .number()
    .nonnegative()
    .describe('The true offset is within this: half the round trip, and drift since then.'),
  measuredAt: Time.describe("Of the exchange that the offset is of, on the agent's clock."),
  driftPpm: z.number().optional().describe('How the offset grows; absent until it is known.'),
})
export type ClockFigures = z.infer<typeof ClockFigures>

/** What measuring itself took. CPU time is of the agent and of the processes that it measured in. */
export const Spent = z.strictObject({
  bytesSpent: z.int().nonnegative().describe('Sent and received, as payload of messages.'),
  cpuSecondsSpent: z.number().nonnegative(),
})
export type Spent = z.infer<typeof Spent>

export const Urp = z.strictObject({
  ...envelope,
  crId: z.int().min(0),
  slots: z.int().min(1).max(4096),
  slotMs: z.number().positive(),
  validUntil: Time,
  frequency: z.array(FrequencyPool).max(16),
  computing: z.strictObject({
    units: z.array(ComputingUnit).max(256),
    availability: MatrixCodec.describe('slots x units, 1 = wholly free.'),
    threads: z.int().min(1).describe('Units that a training run uses at once at most.'),
    classes: z.array(CoreClass).max(16).optional().describe('Rates by kernel, per kind of core.'),
    runtime: z
      .enum(['native', 'wasm'])
      .optional()
      .describe('ONNX Runtime that the rates are of; absent where there are none.'),
  }),
  memory: z
    .strictObject({
      totalBytes: z.int().positive(),
      availableBytes: z.int().nonnegative(),
      availability: MatrixCodec.optional().describe('slots x 1, free share of totalBytes.'),
    })
    .optional(),
  links: z.array(LinkFigures).max(16),
  sensing: z.array(SensingFigures).max(32),
  energy: z
    .strictObject({
      powerWatts: z.number().nonnegative().optional(),
      budgetJoules: z.number().nonnegative().optional(),
    })
    .optional(),
  clock: ClockFigures.optional().describe('Absent until the controller has answered once.'),
  cost: Spent.extend({ lastRound: Spent.describe('Since the URP of the round before.') })
    .optional()
    .describe('Of measuring, since the agent started.'),
  provenance: z.record(z.string().max(80), Provenance),
})
export type Urp = z.infer<typeof Urp>
