import type { Socket } from 'node:net'
import { sendFiller } from '../../protocol/probe/filler.ts'
import {
  HELLO_BYTES,
  MAGIC,
  reportOf,
  startsWithMagic,
  tokenOfHello,
} from '../../protocol/probe/probe-stream.ts'
import type { ProbeRight } from './probe-tokens.ts'

/** Who has not shown a token by then is nobody. */
export const HELLO_MS_MAX = 2000
/** A client ends its probe after 10 s; the server is no longer than this one's. */
const PROBE_MS_MAX = 20_000
/** Reports of an uplink are at least so far apart. */
const REPORT_EVERY_MS = 10

/** Reads the greeting. The rest of what came with it is given back to the socket. */
export function readHello(socket: Socket): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    let hello: Buffer = Buffer.alloc(0)
    const end = (token: Uint8Array | undefined): void => {
      clearTimeout(timer)
      socket.off('data', take)
      socket.off('close', none)
      resolve(token)
    }
    const none = (): void => end(undefined)
    const take = (bytes: Buffer): void => {
      hello = Buffer.concat([hello, bytes])
      const known = Math.min(hello.length, MAGIC.length)
      if (!startsWithMagic(Buffer.concat([hello.subarray(0, known), MAGIC.subarray(known)]))) {
        none()
      } else if (hello.length >= HELLO_BYTES) {
        socket.pause()
        if (hello.length > HELLO_BYTES) socket.unshift(hello.subarray(HELLO_BYTES))
        end(tokenOfHello(hello.subarray(0, HELLO_BYTES)))
      }
    }
    const timer = setTimeout(none, HELLO_MS_MAX)
    socket.on('data', take)
    socket.on('close', none)
  })
}

/** One probe on a connection whose token was good; resolves with the bytes that it took. */
export async function serveStream(socket: Socket, right: ProbeRight): Promise<number> {
  const timer = setTimeout(() => socket.destroy(), PROBE_MS_MAX)
  try {
    socket.write(MAGIC)
    if (right.direction === 'down') return await sendDown(socket, right)
    return await receiveUp(socket, right)
  } finally {
    clearTimeout(timer)
  }
}

async function sendDown(socket: Socket, { bytesMax }: ProbeRight): Promise<number> {
  const closed = closedOf(socket)
  // The client says nothing more; reading on notices its end.
  socket.resume()
  await sendFiller(socket, bytesMax)
  if (socket.writable) socket.end()
  await closed
  return socket.bytesWritten
}

async function receiveUp(socket: Socket, { bytesMax }: ProbeRight): Promise<number> {
  const closed = closedOf(socket)
  let [bytesTotal, firstAtMs, reportedAtMs] = [0, 0, 0]
  const report = (now: number): void => {
    reportedAtMs = now
    if (firstAtMs === 0 || !socket.writable) return
    socket.write(reportOf({ atMs: now - firstAtMs, bytesTotal }))
  }
  socket.on('data', (bytes: Buffer) => {
    const now = performance.now()
    // The first bytes only start the time.
    if (firstAtMs === 0) firstAtMs = now
    else bytesTotal += bytes.length
    if (now - reportedAtMs >= REPORT_EVERY_MS) report(now)
    if (bytesTotal > bytesMax) socket.destroy()
  })
  socket.on('end', () => {
    report(performance.now())
    socket.end()
  })
  socket.resume()
  await closed
  return bytesTotal
}

function closedOf(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    if (socket.destroyed) resolve()
    else socket.on('close', () => resolve())
  })
}
