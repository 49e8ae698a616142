import type { z } from 'zod'
import { Assignment, AssignmentStatus } from './assignment.ts'
import {
  AgentBirth,
  AgentEvent,
  AgentHealth,
  AgentState,
  ClockAsk,
  ClockTell,
  ControllerState,
  CrClock,
  ProbeAsk,
  ProbeTell,
  Taken,
} from './life.ts'
import { ModelManifest } from './model-manifest.ts'
import { TokenAsk, TokenTell } from './probe/probe-token.ts'
import { RoundRecord } from './round-record.ts'
import { UpdateAck, UpdateManifest } from './update.ts'
import { Urp } from './urp.ts'

/**
 * The whole wire contract, a row a message: add a row here and nowhere else. Types, topics, the
 * access rules of the broker and docs/reference/topics.md are derived from it.
 *
 * `encoding`: json where a person looks with `mosquitto_sub`, cbor for matrices and control, bytes
 * for blocks of tensors and probes. `writer` is who may publish it.
 */
export const MESSAGES = {
  agentState: row('agent/{agentId}/state', 'agent', 'json', 1, true, AgentState),
  agentBirth: row('agent/{agentId}/birth', 'agent', 'json', 1, true, AgentBirth),
  urp: row('agent/{agentId}/urp', 'agent', 'cbor', 1, true, Urp),
  agentHealth: row('agent/{agentId}/health', 'agent', 'json', 0, false, AgentHealth),
  agentEvent: row('agent/{agentId}/event', 'agent', 'json', 1, false, AgentEvent),
  assignment: row('agent/{agentId}/assignment', 'controller', 'cbor', 1, true, Assignment),
  assignmentStatus: row(
    'agent/{agentId}/assignment/status',
    'agent',
    'json',
    1,
    false,
    AssignmentStatus,
  ),
  taken: row('agent/{agentId}/taken', 'controller', 'json', 1, false, Taken),
  updateManifest: row(
    'agent/{agentId}/update/{grId}/manifest',
    'agent',
    'cbor',
    1,
    false,
    UpdateManifest,
  ),
  updateBlock: row('agent/{agentId}/update/{grId}/block/{index}', 'agent', 'bytes', 1, false, null),
  updateAck: row('agent/{agentId}/update/{grId}/ack', 'controller', 'cbor', 1, false, UpdateAck),
  clockAsk: row('agent/{agentId}/clock/ask', 'agent', 'json', 0, false, ClockAsk),
  clockTell: row('agent/{agentId}/clock/tell', 'controller', 'json', 0, false, ClockTell),
  probeAsk: row('agent/{agentId}/probe/ask', 'agent', 'json', 1, false, ProbeAsk),
  probeTell: row('agent/{agentId}/probe/tell', 'controller', 'json', 1, false, ProbeTell),
  probeUp: row('agent/{agentId}/probe/up/{probeId}/{index}', 'agent', 'bytes', 0, false, null),
  probeDown: row(
    'agent/{agentId}/probe/down/{probeId}/{index}',
    'controller',
    'bytes',
    0,
    false,
    null,
  ),
  tokenAsk: row('agent/{agentId}/probe/token/ask', 'agent', 'json', 1, false, TokenAsk),
  tokenTell: row('agent/{agentId}/probe/token/tell', 'controller', 'json', 1, false, TokenTell),
  controllerState: row('ctl/state', 'controller', 'json', 1, true, ControllerState),
  crClock: row('ctl/clock', 'controller', 'json', 1, true, CrClock),
  modelManifest: row('ctl/models/{modelId}', 'controller', 'json', 1, true, ModelManifest),
  blobBlock: row('ctl/blob/{sha256}/{index}', 'controller', 'bytes', 1, true, null),
  roundRecord: row('ctl/round/{crId}', 'controller', 'json', 1, false, RoundRecord),
} as const

export type MessageName = keyof typeof MESSAGES
type Row<Name extends MessageName> = (typeof MESSAGES)[Name]

/** Names whose body a schema describes; the others carry raw bytes. */
export type BodyName = {
  [Name in MessageName]: Row<Name>['schema'] extends z.ZodType ? Name : never
}[MessageName]
export type BytesName = Exclude<MessageName, BodyName>

/** The body of a message in memory, with its envelope. */
export type Body<Name extends BodyName> = z.output<NonNullable<Row<Name>['schema']>>

/** The body without the envelope, which the session adds when it sends. */
export type Content<Name extends BodyName> = Omit<Body<Name>, 'session' | 'sequence' | 'sentAt'>

type ParametersOf<Template extends string> =
  Template extends `${string}{${infer Parameter}}${infer Rest}`
    ? Parameter | ParametersOf<Rest>
    : never

/** What a topic needs to be written out, e.g. { agentId } or { agentId, grId, index }. */
export type TopicParameters<Name extends MessageName> = {
  readonly [Parameter in ParametersOf<Row<Name>['topic']>]: string | number
}

function row<
  const Topic extends string,
  const Writer extends 'agent' | 'controller',
  const Encoding extends 'json' | 'cbor' | 'bytes',
  Schema extends z.ZodType | null,
>(topic: Topic, writer: Writer, encoding: Encoding, qos: 0 | 1, retain: boolean, schema: Schema) {
  return { topic, writer, encoding, qos, retain, schema } as const
}
