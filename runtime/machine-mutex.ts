import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { errnoOf, GainnetError } from './errors.ts'

const RETRY_MS = 10

/**
 * Runs the work while no other process of this machine runs work of that name. The lock is a name in
 * the abstract namespace of unix sockets (unix(7)): the kernel gives it to one, and takes it back
 * when the process dies. For short work: others wait, at most `ms`.
 */
export async function withMachineMutex<T>(
  name: string,
  { ms }: { readonly ms: number },
  work: () => Promise<T>,
): Promise<T> {
  const server = await acquire(`\0gainnet-${createHash('sha256').update(name).digest('hex')}`, ms)
  try {
    return await work()
  } finally {
    server.close()
    await once(server, 'close')
  }
}

async function acquire(path: string, ms: number): Promise<Server> {
  const endsAt = performance.now() + ms
  for (;;) {
    const server = createServer(socket => socket.destroy())
    try {
      server.listen({ path })
      await once(server, 'listening')
      return server
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE') throw error
      if (performance.now() > endsAt) {
        throw new GainnetError('DEADLINE_PASSED', `another process holds a lock for over ${ms} ms`)
      }
      await wait(RETRY_MS)
    }
  }
}
