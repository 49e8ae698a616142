import type { Socket } from 'node:net'
import { seededRandom } from '../../runtime/seeded-random.ts'

const CHUNK_BYTES_FIRST = 8 * 1024
const CHUNK_BYTES_MAX = 256 * 1024
/** ndt7: a chunk doubles as long as it is less than a sixteenth of what was sent. */
const CHUNK_SHARE = 16

let shared: Buffer | undefined

/** Bytes that no link compresses; one buffer for all senders of the process. */
export function fillerBytes(): Buffer {
  if (shared) return shared
  const random = seededRandom(0x9e37)
  shared = Buffer.alloc(CHUNK_BYTES_MAX)
  for (let offset = 0; offset < CHUNK_BYTES_MAX; offset += 4) {
    shared.writeUInt32LE(Math.floor(random() * 2 ** 32), offset)
  }
  return shared
}

/**
 * Sends filler until the limit or the end of the socket, never more than one chunk ahead of the
 * kernel. Small chunks first: on a slow link one large chunk would be minutes of unstoppable queue.
 */
export async function sendFiller(socket: Socket, bytesMax: number): Promise<void> {
  const filler = fillerBytes()
  let chunkBytes = CHUNK_BYTES_FIRST
  for (let sent = 0; sent < bytesMax && socket.writable; ) {
    if (chunkBytes < CHUNK_BYTES_MAX && chunkBytes < sent / CHUNK_SHARE) chunkBytes *= 2
    const bytes = Math.min(chunkBytes, bytesMax - sent)
    sent += bytes
    if (!socket.write(filler.subarray(0, bytes))) await drained(socket)
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const go = (): void => {
      socket.off('drain', go)
      socket.off('close', go)
      resolve()
    }
    socket.on('drain', go)
    socket.on('close', go)
  })
}
