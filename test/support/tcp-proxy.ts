import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A line between client and server on which things go wrong on request. */
export interface TcpProxy {
  readonly port: number
  readonly connections: number
  /** Cuts all connections with RST, as a router does that lost its table. */
  reset(): void
  /** Cuts all connections with RST when so many more bytes have gone that way. */
  resetAfter(bytes: number, way?: 'up' | 'down'): void
  /** Nothing passes any more on the connections that are there, not even their end. */
  stall(): void
  /** Not a connection more until accept(). */
  refuse(): void
  accept(): void
}

/** Gone when the test is. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  const stalled = new Set<readonly [Socket, Socket]>()
  const left = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY }
  let connections = 0
  let isRefusing = false
  const reset = (): void => {
    left.up = Number.POSITIVE_INFINITY
    left.down = Number.POSITIVE_INFINITY
    for (const pair of [...pairs, ...stalled]) for (const one of pair) one.resetAndDestroy()
    pairs.clear()
    stalled.clear()
  }
  const server = createServer({ noDelay: true }, client => {
    client.on('error', () => {})
    if (isRefusing) {
      client.resetAndDestroy()
      return
    }
    connections += 1
    const upstream = connect({ host: '127.0.0.1', port: targetPort, noDelay: true })
    upstream.on('error', () => client.destroy())
    const pair = [client, upstream] as const
    pairs.add(pair)
    const count = (way: 'up' | 'down') => (chunk: Uint8Array) => {
      left[way] -= chunk.length
      if (left[way] <= 0) reset()
    }
    client.on('data', count('up'))
    upstream.on('data', count('down'))
    client.pipe(upstream)
    upstream.pipe(client)
    for (const socket of pair) {
      socket.once('close', () => {
        if (!pairs.delete(pair) || stalled.has(pair)) return
        for (const one of pair) one.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    reset()
  })
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    reset,
    resetAfter: (bytes, way = 'up') => {
      left[way] = bytes
    },
    stall: () => {
      for (const pair of pairs) {
        const [client, upstream] = pair
        stalled.add(pair)
        client.unpipe(upstream)
        upstream.unpipe(client)
        client.resume()
        upstream.resume()
      }
    },
    refuse: () => {
      isRefusing = true
    },
    accept: () => {
      isRefusing = false
    },
  }
}
