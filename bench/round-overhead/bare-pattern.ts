import { connectAsync, type MqttClient } from 'mqtt'
import { TOPIC_ROOT } from '../../protocol/topics.ts'

export interface BarePattern {
  readonly modelBytes: number
  readonly blockBytes: number
}

/** Sizes of the bodies of ours, which the reference's have too. */
export const BODY_BYTES = {
  assignment: 760,
  status: 290,
  /** And the hash of each block. */
  updateManifest: 590,
  hash: 66,
  ack: 190,
  modelManifest: 1900,
} as const

/**
 * The topics of the reference: such as the broker's access rules let an agent and a controller use,
 * and none that our own agents and controller listen to on the same broker.
 */
export function bareTopics(site: string) {
  const root = `${TOPIC_ROOT}/${site}`
  const agent = (bareId: string): string => `${root}/agent/${bareId}`
  return {
    assignment: (bareId: string) => `${agent(bareId)}/assignment`,
    status: (bareId: string) => `${agent(bareId)}/probe/ask`,
    updateManifest: (bareId: string) => `${agent(bareId)}/clock/ask`,
    updateBlock: (bareId: string, round: string, index: number | '+') =>
      `${agent(bareId)}/probe/up/${round}/${index}`,
    ack: (bareId: string) => `${agent(bareId)}/probe/tell`,
    blob: (round: string, index: number | '+') =>
      `${root}/ctl/blob/${round.padStart(64, '0')}/${index}`,
    modelManifest: `${root}/ctl/bare`,
  }
}

/** A stock client, but without Nagle's algorithm, which would let each small message wait. */
export async function connectBare(o: {
  readonly url: string
  readonly username: string
  readonly password: string
}): Promise<MqttClient> {
  const { url, username, password } = o
  const client = await connectAsync(url, { clientId: username, username, password })
  // Of a TCP connection the stream is a socket.
  if ('setNoDelay' in client.stream) (client.stream as { setNoDelay(): void }).setNoDelay()
  return client
}

/** A body of this size that begins with the number of its round. */
export function bodyOf(bytes: number, round: string): Buffer {
  const body = Buffer.alloc(bytes, ' ')
  body.write(`${round} `)
  return body
}

export function roundOf(body: Buffer): string {
  return body.subarray(0, body.indexOf(' ')).toString()
}
