import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A server for RTSP over TCP (RFC 2326) that passes on what a publisher sends to who plays it. */
export interface RtspRelay {
  readonly port: number
  /** Players that have asked to play. */
  readonly players: number
  /** Whether a publisher has begun to send. */
  readonly isFed: boolean
  /** Passes nothing on any more, on connections that stay open; or does so again. */
  silence(isSilent: boolean): void
  /** Closes the connections of its players. */
  cut(): void
}

interface Peer {
  readonly socket: Socket
  isPlaying: boolean
}

/** Of RFC 2326, 10.12: `$`, channel, length, then a packet. */
const INTERLEAVED = 0x24
const INTERLEAVED_HEAD_BYTES = 4
/** A player that does not take what it is sent gets less, as from a camera. */
const WAITING_BYTES_MAX = 2 ** 20

export async function startRtspRelay(
  /** What a player must show, `user:password`; nothing where left out. */
  credentials?: string,
): Promise<RtspRelay> {
  const peers = new Set<Peer>()
  let description = ''
  let [isSilent, isFed] = [false, false]
  const relay = (packet: Buffer): void => {
    isFed = true
    if (isSilent) return
    for (const { socket, isPlaying } of peers) {
      if (isPlaying && socket.writableLength < WAITING_BYTES_MAX) socket.write(packet)
    }
  }
  const basic = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`
  const answer = (peer: Peer, request: Request): void => {
    const { method, head, body } = request
    if (method === 'ANNOUNCE') description = body
    const isRefused = method === 'DESCRIBE' && basic !== undefined && !head.includes(basic)
    peer.socket.write(isRefused ? refusal(request) : response(request, description))
    if (method === 'PLAY') peer.isPlaying = true
  }
  const server = createServer({ noDelay: true }, socket => {
    const peer: Peer = { socket, isPlaying: false }
    peers.add(peer)
    socket.on('error', () => undefined)
    socket.on('close', () => peers.delete(peer))
    socket.on('data', messageReader({ relay, request: request => answer(peer, request) }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.close()
    for (const { socket } of peers) socket.destroy()
  }
  onTestFinished(close)
  return {
    // A server that listens on TCP has such an address.
    port: (server.address() as AddressInfo).port,
    get players() {
      return [...peers].filter(({ isPlaying }) => isPlaying).length
    },
    get isFed() {
      return isFed
    },
    silence: silent => {
      isSilent = silent
    },
    cut: () => {
      for (const { socket, isPlaying } of peers) if (isPlaying) socket.destroy()
    },
  }
}

interface Request {
  readonly method: string
  readonly sequence: string
  readonly head: string
  readonly body: string
}

function refusal({ sequence }: Request): string {
  const realm = 'WWW-Authenticate: Basic realm="camera"'
  return `RTSP/1.0 401 Unauthorized\r\nCSeq: ${sequence}\r\n${realm}\r\n\r\n`
}

function response({ method, sequence, head }: Request, description: string): string {
  const isMissing = method === 'DESCRIBE' && description === ''
  const text = method === 'DESCRIBE' ? description : ''
  const fields = [
    `RTSP/1.0 ${isMissing ? '404 Not Found' : '200 OK'}`,
    `CSeq: ${sequence}`,
    'Session: 7',
    'Public: DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD',
    ...(method === 'SETUP' ? [/^Transport: .*$/m.exec(head)?.[0].trim() ?? ''] : []),
    ...(text === '' ? [] : ['Content-Type: application/sdp', `Content-Length: ${text.length}`]),
  ]
  return `${fields.join('\r\n')}\r\n\r\n${text}`
}

/** Requests and packets come on one connection, cut anywhere. */
function messageReader(on: {
  readonly relay: (packet: Buffer) => void
  readonly request: (request: Request) => void
}): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0)
  return chunk => {
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const bytes = pending[0] === INTERLEAVED ? packetBytes(pending) : requestBytes(pending)
      if (bytes === undefined || bytes > pending.length) return
      const message = pending.subarray(0, bytes)
      pending = pending.subarray(bytes)
      if (message[0] === INTERLEAVED) on.relay(message)
      else on.request(requestOf(message.toString('latin1')))
    }
  }
}

function packetBytes(bytes: Buffer): number | undefined {
  if (bytes.length < INTERLEAVED_HEAD_BYTES) return undefined
  return INTERLEAVED_HEAD_BYTES + bytes.readUInt16BE(2)
}

function requestBytes(bytes: Buffer): number | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  return end + 4 + Number(/^Content-Length: (\d+)/im.exec(head)?.[1] ?? 0)
}

function requestOf(text: string): Request {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  return {
    method: head.slice(0, head.indexOf(' ')),
    sequence: /^CSeq: (\d+)/im.exec(head)?.[1] ?? '0',
    head,
    body,
  }
}
