import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type BulkOutcome, runBulkProbe } from '../../../agent/measure/link/bulk-probe.ts'
import { runDatagramProbe } from '../../../agent/measure/link/datagram-probe.ts'
import { measureLink } from '../../../agent/measure/link/measure-link.ts'
import { type ProbeServer, startProbeServer } from '../../../controller/probe/probe-server.ts'
import type { ProbeRight } from '../../../controller/probe/probe-tokens.ts'
import { decodeDatagram, encodeDatagram } from '../../../protocol/probe/probe-datagram.ts'
import { helloOf } from '../../../protocol/probe/probe-stream.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'

const HOST = '127.0.0.1'
const MiB = 2 ** 20
const { log } = testLog()
const ended: { agentId: string; bytes: number }[] = []
let server: ProbeServer

beforeAll(async () => {
  server = await startProbeServer({
    host: HOST,
    port: 0,
    log,
    onEnd: ({ agentId }, { bytes }) => ended.push({ agentId, bytes }),
  })
})
afterAll(() => server.stop())

function tokenFor(right: Partial<ProbeRight> = {}): string {
  return server.issue({
    agentId: 'a',
    kind: 'tcp',
    direction: 'down',
    bytesMax: 32 * MiB,
    expiresInMs: 60_000,
    ...right,
  })
}

function bulk(
  o: Partial<Parameters<typeof runBulkProbe>[0]> & { readonly token: string },
): Promise<BulkOutcome> {
  return runBulkProbe({
    host: HOST,
    port: server.port,
    direction: 'down',
    bytesMax: 32 * MiB,
    durationMsMax: 700,
    ...o,
  })
}

describe('a bulk probe', () => {
  test.each(['down', 'up'] as const)(
    '%s tells a rate and stays within its bytes',
    async direction => {
      const outcome = await bulk({ direction, token: tokenFor({ direction, agentId: direction }) })
      if (outcome.status !== 'ok') throw new Error(outcome.reason)
      expect(outcome.bitsPerSecond).toBeGreaterThan(1e6)
      expect(outcome.bytesSpent).toBeLessThanOrEqual(32 * MiB + 64 * 1024)
      const used = await waitFor(() => ended.find(({ agentId }) => agentId === direction), {
        what: 'the server tells what was used',
      })
      expect(used.bytes).toBeGreaterThan(0)
      expect(used.bytes).toBeLessThanOrEqual(33 * MiB)
    },
  )

  test('with a token that was used is turned away without a byte', async () => {
    const token = tokenFor()
    expect((await bulk({ token })).status).toBe('ok')
    expect(await bulk({ token })).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/token|ECONNRESET/),
    })
  })

  test('with a token of nobody, or of another kind, is turned away', async () => {
    const wrong = [Buffer.alloc(24, 7).toString('base64url'), tokenFor({ kind: 'udp' })]
    for (const token of wrong) expect((await bulk({ token })).status).toBe('failed')
  })

  test('never gets more bytes down than its token allows, whatever it asks for', async () => {
    const outcome = await bulk({ token: tokenFor({ bytesMax: 100_000 }) })
    expect(outcome.bytesSpent).toBeLessThan(101_000)
  })

  test('has failed where the server accepts and never answers', async () => {
    const silent = createServer(socket => socket.on('error', () => undefined)).listen(0, HOST)
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as AddressInfo
    expect(await bulk({ port, token: tokenFor() })).toEqual({
      status: 'failed',
      reason: expect.stringContaining('no answer'),
      bytesSpent: expect.any(Number),
    })
  }, 10_000)

  test('has failed where the link dies in the middle of it', async () => {
    for (const direction of ['down', 'up'] as const) {
      const proxy = await startTcpProxy(server.port)
      proxy.resetAfter(MiB, direction)
      const outcome = await bulk({ port: proxy.port, direction, token: tokenFor({ direction }) })
      expect(outcome.status).toBe('failed')
    }
  })

  test('has failed where the server of an uplink reports what cannot be', async () => {
    const liar = createServer(socket => {
      socket.on('error', () => undefined)
      socket.write('GNP1')
      socket.write(Buffer.alloc(64, 0x7e))
      socket.resume()
    })
    await once(liar.listen(0, HOST), 'listening')
    onTestFinished(() => void liar.close())
    const { port } = liar.address() as AddressInfo
    const outcome = await bulk({ port, direction: 'up', token: tokenFor({ direction: 'up' }) })
    expect(outcome).toMatchObject({ status: 'failed', reason: expect.stringContaining('cannot') })
  })

  test('has failed where nobody listens, or somebody else does', async () => {
    const other = createServer(socket => {
      socket.on('error', () => undefined)
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    await once(other.listen(0, HOST), 'listening')
    const { port } = other.address() as AddressInfo
    const answer = await bulk({ port, token: tokenFor() })
    expect(answer).toMatchObject({ status: 'failed', reason: expect.stringContaining('no probe') })
    other.close()
    await once(other, 'close')
    expect((await bulk({ port, token: tokenFor() })).status).toBe('failed')
  })

  test('is given up at once when it is not wanted any more', async () => {
    const signal = AbortSignal.abort(new Error('the agent stops'))
    expect(await bulk({ token: tokenFor(), signal })).toMatchObject({ reason: 'the agent stops' })
  })

  test('works on a board that believes in 1970', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 })
    onTestFinished(() => void vi.useRealTimers())
    const outcome = await bulk({ token: tokenFor() })
    expect(outcome.status).toBe('ok')
  })
})

describe('strangers at the probe port', () => {
  test('who say nothing, or nonsense, are cut off without a byte', async () => {
    const said = [new Uint8Array(0), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from('GNP1')]
    said.push(Buffer.from(helloOf(Buffer.alloc(24))))
    await Promise.all(
      said.map(async bytes => {
        const socket = connect(server.port, HOST)
        socket.on('error', () => undefined)
        if (bytes.length > 0) socket.write(bytes)
        socket.resume()
        await once(socket, 'close')
        expect(socket.bytesRead).toBe(0)
      }),
    )
  }, 10_000)

  test('who send datagrams get no answer', async () => {
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    let answers = 0
    socket.on('message', () => {
      answers += 1
    })
    const sent = [
      Buffer.alloc(1400, 1),
      Buffer.from('GNP1'),
      encodeDatagram({ type: 'open', token: Buffer.alloc(24) }),
      encodeDatagram({ type: 'trainAsk', session: 5n, train: 0, packets: 2000, bytes: 1200 }),
      encodeDatagram({ type: 'echo', session: 0n, sequence: 0, sentAtMs: 0 }),
    ]
    for (const bytes of sent) socket.send(bytes, server.port, HOST)
    // A probe that was sent after them is answered: they have been read by then.
    const token = tokenFor({ kind: 'udp', direction: 'both' })
    const outcome = await runDatagramProbe({ host: HOST, port: server.port, token, packets: 0 })
    expect(outcome.status).toBe('ok')
    expect(answers).toBe(0)
  })
})

describe('datagrams', () => {
  test('tell round trips, losses and capacity, and what they cost', async () => {
    const token = tokenFor({ kind: 'udp', direction: 'both', bytesMax: MiB })
    const outcome = await runDatagramProbe({ host: HOST, port: server.port, token })
    if (outcome.status !== 'ok') throw new Error(outcome.reason)
    expect(outcome.rttsMs.length).toBeGreaterThan(10)
    for (const rttMs of outcome.rttsMs) expect(rttMs).toBeGreaterThan(0)
    expect(outcome.down.sent).toBeGreaterThan(10)
    expect(outcome.bytesSpent).toBeLessThan(60_000)
  })

  test('get no more bytes than their token allows: nothing here amplifies', async () => {
    const token = Buffer.from(
      tokenFor({ kind: 'udp', direction: 'both', bytesMax: 20_000 }),
      'base64url',
    )
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    let received = 0
    socket.on('message', bytes => {
      received += bytes.length
      const answer = decodeDatagram(bytes)
      if (answer?.type !== 'opened') return
      const { session } = answer
      for (let train = 0; train < 5; train++) {
        const ask = { type: 'trainAsk', session, train, packets: 2000, bytes: 1200 } as const
        socket.send(encodeDatagram(ask), server.port, HOST)
      }
    })
    socket.send(encodeDatagram({ type: 'open', token }), server.port, HOST)
    await waitFor(() => received > 15_000, { what: 'the train comes' })
    const fence = tokenFor({ kind: 'udp', direction: 'both' })
    await runDatagramProbe({ host: HOST, port: server.port, token: fence, packets: 0 })
    expect(received).toBeLessThanOrEqual(20_000)
  })

  test('with a token that was used from elsewhere get no answer', async () => {
    const token = tokenFor({ kind: 'udp', direction: 'both' })
    const run = () => runDatagramProbe({ host: HOST, port: server.port, token, packets: 0 })
    expect((await run()).status).toBe('ok')
    expect(await run()).toMatchObject({ status: 'failed', reason: expect.stringContaining('UDP') })
  })
})

describe('a measurement of the link', () => {
  test('without UDP tells the rest, and why', async () => {
    // A proxy of TCP alone: datagrams to its port find nobody.
    const proxy = await startTcpProxy(server.port)
    const measured = await measureLink({
      host: HOST,
      port: proxy.port,
      token: async right => server.issue({ agentId: 'a', expiresInMs: 60_000, ...right }),
      bytesMax: 4 * MiB,
      durationMsMax: 500,
      parts: ['datagrams', 'down'],
    })
    expect(measured.datagrams).toMatchObject({ status: 'failed' })
    expect(measured.downlink).toMatchObject({ status: 'ok' })
  })

  test('tells of each part why there was no token for it', async () => {
    const measured = await measureLink({
      host: HOST,
      port: server.port,
      token: async () => Promise.reject(new Error('the bytes of the day are spent')),
      bytesMax: MiB,
    })
    for (const part of [measured.datagrams, measured.downlink, measured.uplink]) {
      expect(part).toEqual({
        status: 'failed',
        reason: 'the bytes of the day are spent',
        bytesSpent: 0,
      })
    }
  })
})

test('a probe server says which port it cannot have', async () => {
  const { port } = server
  await expect(startProbeServer({ host: HOST, port, log })).rejects.toMatchObject({
    code: 'PROBE_FAILED',
    message: expect.stringContaining(`${HOST}:${port}`),
  })
})
