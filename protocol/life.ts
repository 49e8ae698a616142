import { z } from 'zod'
import { envelope, Id, Time } from './envelope.ts'
import { ClockFigures } from './urp.ts'

/** Homie's words for the life of a device, and two of ours (busy, degraded). */
export const AGENT_STATES = ['init', 'ready', 'busy', 'degraded', 'disconnected', 'lost'] as const

export const AgentState = z.strictObject({
  ...envelope,
  state: z.enum(AGENT_STATES),
  reason: z.string().max(300).optional(),
})
export type AgentState = z.infer<typeof AgentState>

/** How a trainer is kept to what was granted: by the kernel, or by the agent alone. */
export const Confinement = z.strictObject({
  computing: z.enum(['cgroup-v2', 'cgroup-v1', 'duty-cycle']),
  memory: z.enum(['cgroup-v2', 'cgroup-v1', 'rss-watch']),
})
export type Confinement = z.infer<typeof Confinement>

export const AgentBirth = z.strictObject({
  ...envelope,
  agentId: Id,
  version: z.string().max(40),
  startedAt: Time,
  board: z.strictObject({
    model: z.string().max(200),
    cpu: z.string().max(200),
    architecture: z.string().max(40),
    cores: z.int().min(1),
    memoryBytes: z.int().positive(),
    os: z.string().max(200),
    node: z.string().max(40),
  }),
  sensors: z
    .array(z.strictObject({ sensor: Id, kind: z.string().max(40), senses: z.string().max(80) }))
    .max(32),
  limits: z.strictObject({
    computingShare: z.number().positive().max(1).describe('Of each unit, at most.'),
    memoryBytes: z.int().positive(),
    outboxBytes: z.int().positive(),
  }),
  confinement: Confinement.optional(),
})
export type AgentBirth = z.infer<typeof AgentBirth>

/** What measuring took, by kind: own CPU time is that of the daemon while it measured. */
const Expense = z.strictObject({
  sentBytes: z.int().nonnegative(),
  receivedBytes: z.int().nonnegative(),
  cpuSeconds: z.number().nonnegative(),
  childCpuSeconds: z.number().nonnegative(),
})
const DayExpense = Expense.extend({ day: z.iso.date().describe("UTC, by the agent's clock.") })

export const CostReport = z.strictObject({
  sinceStart: Expense,
  today: DayExpense,
  yesterday: DayExpense.optional(),
  parts: z
    .record(z.string().max(40), Expense.extend({ runs: z.int().nonnegative() }))
    .describe('By probe, and slots, forecast and clock; what took little together as others.'),
})
export type CostReport = z.infer<typeof CostReport>

export const AgentHealth = z.strictObject({
  ...envelope,
  uptimeSeconds: z.number().nonnegative(),
  cpuShare: z.number().nonnegative().describe('Of one core, by the daemon without its trainer.'),
  rssBytes: z.int().nonnegative(),
  loadAverage: z.number().nonnegative().optional(),
  temperatureCelsius: z.number().optional(),
  throttled: z.boolean().optional(),
  memoryAvailableBytes: z.int().nonnegative().optional(),
  outbox: z
    .strictObject({
      storedMessages: z.int().nonnegative(),
      storedBytes: z.int().nonnegative(),
      delivered: z.int().nonnegative(),
      dropped: z.int().nonnegative(),
    })
    .describe('produced = delivered + stored + dropped, since the state directory is.'),
  sensors: z.record(Id, z.enum(['ok', 'lost'])),
  wire: z
    .strictObject({ bytesSent: z.int().nonnegative(), bytesReceived: z.int().nonnegative() })
    .describe('On the socket to the broker, in this session.'),
  rejectedMessages: z.int().nonnegative().describe('Messages from outside that no schema took.'),
  clock: ClockFigures.optional(),
  cost: CostReport.optional().describe('Of measuring: bytes and seconds of CPU time.'),
})
export type AgentHealth = z.infer<typeof AgentHealth>

export const AgentEvent = z.strictObject({
  ...envelope,
  code: z.string().max(60),
  severity: z.enum(['info', 'warning', 'error']),
  text: z.string().max(500),
  fields: z.record(z.string().max(60), z.union([z.string().max(500), z.number(), z.boolean()])),
})
export type AgentEvent = z.infer<typeof AgentEvent>

export const ControllerState = z.strictObject({
  ...envelope,
  controllerId: Id,
  version: z.string().max(40),
  state: z.enum(['waiting', 'running', 'finished', 'disconnected', 'lost']),
  reason: z.string().max(300).optional(),
})
export type ControllerState = z.infer<typeof ControllerState>

/**
 * The controller has taken a message of the agent's outbox and written that down. PUBACK only says
 * that the broker has it; a controller that is away just then would never see it.
 */
export const Taken = z.strictObject({
  ...envelope,
  messages: z
    .array(z.strictObject({ session: z.int().min(1), sequence: z.int().min(0) }))
    .min(1)
    .max(64),
})
export type Taken = z.infer<typeof Taken>

/** The system clock of the paper: which communication round it is and how it is cut. */
export const CrClock = z.strictObject({
  ...envelope,
  crId: z.int().min(0),
  startsAt: Time.describe("Start of this CR on the controller's clock."),
  slots: z.int().min(2).max(4096),
  slotMs: z.number().positive(),
})
export type CrClock = z.infer<typeof CrClock>

/** Four-time-stamp exchange (RFC 5905, 8): t1 and t4 on the agent's clock, t2 and t3 on ours. */
export const ClockAsk = z.strictObject({ ...envelope, id: z.int().min(0), t1: z.number() })
export const ClockTell = z.strictObject({
  ...envelope,
  id: z.int().min(0),
  t1: z.number(),
  t2: z.number(),
  t3: z.number(),
})
export type ClockAsk = z.infer<typeof ClockAsk>
export type ClockTell = z.infer<typeof ClockTell>

/** Asks the controller to take part in one goodput measurement; blocks follow as raw bytes. */
export const ProbeAsk = z.strictObject({
  ...envelope,
  id: z.int().min(0),
  direction: z.enum(['down', 'up']),
  blocks: z.int().min(1).max(256),
  blockBytes: z
    .int()
    .min(1)
    .max(256 * 1024),
})
export type ProbeAsk = z.infer<typeof ProbeAsk>

/** What the receiver of an uplink probe saw: time from its first to its last block. */
export const ProbeTell = z.strictObject({
  ...envelope,
  id: z.int().min(0),
  status: z.enum(['ready', 'done', 'refused']),
  receivedBytes: z.int().nonnegative().optional().describe('After the first block.'),
  durationMs: z.number().nonnegative().optional(),
  reason: z.string().max(300).optional(),
})
export type ProbeTell = z.infer<typeof ProbeTell>
