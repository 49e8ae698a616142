import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BROKERS } from '../../support/brokers.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, connected, startConnection, startWire, USERS } from './wire-fixture.ts'

const EVENT = 'gainnet/v1/home/agent/pi-04/event'
const STATE = 'gainnet/v1/home/agent/pi-04/state'
const once1 = { qos: 1, retain: false } as const

describe.each(BROKERS)('a connection to the $broker broker', ({ startBroker, isThere }) => {
  test.skipIf(!isThere)(
    'publishes with an acknowledgement and hears what it subscribed to',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { connection: controller } = startConnection(port, CONTROLLER)
      const heard: string[] = []
      await controller.subscribe('gainnet/v1/home/agent/+/event', (topic, payload) => {
        heard.push(`${topic} ${Buffer.from(payload)}`)
      })
      await connected(controller)
      const { connection: agent } = startConnection(port, AGENT)
      await connected(agent)
      await agent.publish(EVENT, Buffer.from('{}'), once1)
      await agent.publish(EVENT, Buffer.from('[]'), { qos: 0, retain: false })
      await waitFor(() => heard.length === 2, { what: 'both were heard' })
      expect(heard.sort()).toEqual([`${EVENT} []`, `${EVENT} {}`])
      expect(agent.bytesSent).toBeGreaterThan(80)
      expect(controller.bytesReceived).toBeGreaterThan(80)
    },
  )

  test.skipIf(!isThere)(
    'rejects at once while there is no broker, and goes on when it is back',
    async () => {
      const broker = await startBroker({ users: USERS })
      const { connection } = startConnection(broker.port, CONTROLLER)
      const heard: string[] = []
      let [connects, losses] = [0, 0]
      connection.onConnected(() => {
        connects += 1
      })
      connection.onDisconnected(() => {
        losses += 1
      })
      await connected(connection)
      await connection.subscribe('a/+', (_, payload) => {
        heard.push(Buffer.from(payload).toString())
      })
      await broker.stop()
      await waitFor(() => !connection.isConnected, { what: 'the loss is noticed' })
      await expect(connection.publish('a/b', Buffer.from('1'), once1)).rejects.toMatchObject({
        code: 'BROKER_UNREACHABLE',
        details: { sent: false },
      })
      await broker.start()
      await connected(connection)
      await connection.publish('a/b', Buffer.from('2'), once1)
      await waitFor(() => heard.length > 0, { what: 'the subscription was made again' })
      expect(heard).toEqual(['2'])
      expect([connects, losses]).toEqual([2, 1])
    },
  )

  test.skipIf(!isThere)(
    'wrong credentials are named in words, once, and tried again rarely',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { connection, lines } = startConnection(port, { ...AGENT, password: 'wrong' })
      await waitFor(() => connection.status === 'refused', { what: 'the refusal is known' })
      const [refusal] = lines.filter(({ msg }) => msg === 'broker refused this client')
      expect(refusal?.reason).toMatch(/Not authorized|Bad username or password/)
      expect(refusal?.retryInMs).toBeGreaterThan(20_000)
    },
  )

  test.skipIf(!isThere)('after a clean stop the broker keeps the will to itself', async () => {
    const { port } = await startBroker({ users: USERS })
    const { connection: controller } = startConnection(port, CONTROLLER)
    const states: string[] = []
    await controller.subscribe(STATE, (_, payload) => {
      states.push(Buffer.from(payload).toString())
    })
    await connected(controller)
    const will = { topic: STATE, payload: Buffer.from('lost'), qos: 1, retain: true } as const
    const first = startConnection(port, AGENT, { will }).connection
    await connected(first)
    await first.stop(() => {
      return first.publish(STATE, Buffer.from('disconnected'), { qos: 1, retain: true })
    })
    expect(first.status).toBe('stopped')
    await waitFor(() => states.length === 1, { what: 'the farewell was heard' })
    const proxy = await startTcpProxy(port)
    const second = startConnection(proxy.port, AGENT, { will }).connection
    await connected(second)
    proxy.refuse()
    proxy.reset()
    await waitFor(() => states.length === 2, { what: 'the will was heard' })
    expect(states).toEqual(['disconnected', 'lost'])
  })

  test.skipIf(!isThere)(
    'two clients of one identity end in a stated status and long waits',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const connections = [1, 2].map(() => startConnection(port, AGENT).connection)
      await waitFor(() => connections.some(({ status }) => status === 'duplicate-identity'), {
        what: 'one of them knows',
      })
      await waitFor(() => connections.some(({ isConnected }) => isConnected), {
        what: 'the other is left alone',
      })
    },
  )

  test.skipIf(!isThere)(
    'a reset of the socket amid many messages loses none that was acknowledged',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const proxy = await startTcpProxy(port)
      const heard = new Set<string>()
      const { connection: controller } = startConnection(port, CONTROLLER)
      await controller.subscribe(EVENT, (_, payload) => {
        heard.add(Buffer.from(payload.subarray(0, 8)).toString().trim())
      })
      await connected(controller)
      const { connection } = startConnection(proxy.port, AGENT)
      const acknowledged: string[] = []
      for (let round = 0; round < 5; round++) {
        await connected(connection)
        proxy.resetAfter(200_000)
        const results = await Promise.allSettled(
          Array.from({ length: 60 }, async (_, index) => {
            const name = `${round}-${index}`
            const payload = Buffer.concat([Buffer.from(name.padEnd(8)), Buffer.alloc(10_000)])
            await connection.publish(EVENT, payload, once1)
            acknowledged.push(name)
          }),
        )
        const failures = results.filter(({ status }) => status === 'rejected')
        expect(failures.length).toBeGreaterThan(0)
        for (const failure of failures) {
          expect(failure).toMatchObject({ reason: { code: 'BROKER_UNREACHABLE' } })
        }
        await waitFor(() => acknowledged.every(name => heard.has(name)), { what: 'all were heard' })
      }
    },
  )

  test.skipIf(!isThere)(
    'messages that no schema takes are counted and dropped, on every topic',
    async () => {
      const { port } = await startBroker({ users: USERS })
      const { wire, lines } = await startWire(port, CONTROLLER)
      const bodies: unknown[] = []
      await wire.on('agentState', {}, body => {
        bodies.push(body)
      })
      const rubbish = ['', '{', 'null', '{"state":"ready"}', '\xff\xfe', '[]', '{"session":-1}']
      for (const text of rubbish) {
        await wire.connection.publish(STATE, Buffer.from(text), once1)
      }
      await wire.publish('agentState', { agentId: 'pi-04' }, { state: 'ready' })
      await waitFor(() => bodies.length === 1, { what: 'the good one is heard' })
      expect(bodies[0]).toMatchObject({ state: 'ready', session: 1 })
      expect(wire.rejected).toBe(rubbish.length - 1)
      expect(lines.filter(({ msg }) => msg === 'message rejected')).toHaveLength(1)
    },
  )
})

describe('a connection', () => {
  // Mosquitto says yes to any filter and delivers what the user may read.
  test('a filter that the broker refuses is refused to the caller', async () => {
    const { port } = await BROKERS[0].startBroker({ users: USERS })
    const { connection } = startConnection(port, AGENT)
    await connected(connection)
    const elsewhere = connection.subscribe('gainnet/v1/home/agent/other/urp', () => {})
    await expect(elsewhere).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
    await connection.subscribe('gainnet/v1/home/ctl/#', () => {})
  })

  test('a handler that throws, at once or later, is counted and ends nothing', async () => {
    const { port } = await BROKERS[0].startBroker({ users: USERS })
    const { connection } = startConnection(port, CONTROLLER)
    await connected(connection)
    await connection.subscribe('a', () => {
      throw new Error('at once')
    })
    await connection.subscribe('a', async () => {
      throw new Error('later')
    })
    let heard = 0
    await connection.subscribe('a', () => {
      heard += 1
    })
    await connection.publish('a', Buffer.from('x'), once1)
    await waitFor(() => heard === 1, { what: 'the third is called' })
    await waitFor(() => connection.handlerErrors === 2, { what: 'both are counted' })
    expect(connection.isConnected).toBe(true)
  })

  test('a line that has gone silent is given up after one and a half keep-alives', async () => {
    const { port } = await BROKERS[0].startBroker({ users: USERS })
    const proxy = await startTcpProxy(port)
    const { connection, lines } = startConnection(proxy.port, CONTROLLER, { keepaliveSeconds: 1 })
    await connected(connection)
    proxy.stall()
    const startedAt = performance.now()
    await waitFor(() => !connection.isConnected, { what: 'the silence is noticed' })
    expect(performance.now() - startedAt).toBeLessThan(4000)
    await connected(connection)
    expect(lines.some(({ reason }) => String(reason).startsWith('nothing heard'))).toBe(true)
  })

  test('an idle line is kept up by pings', async () => {
    const { port } = await BROKERS[0].startBroker({ users: USERS })
    const { connection } = startConnection(port, CONTROLLER, { keepaliveSeconds: 1 })
    await connected(connection)
    const endsAt = performance.now() + 3500
    await waitFor(() => performance.now() > endsAt, { what: 'three keep-alives' })
    expect(connection.connectCount).toBe(1)
    expect(connection.isConnected).toBe(true)
  })

  test('a server that takes the connection and says nothing is left at the deadline', async () => {
    const server = createServer(socket => socket.on('error', () => {}))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { connection, lines } = startConnection(port, AGENT, { connectDeadlineMs: 200 })
    await waitFor(() => lines.some(({ msg }) => msg === 'no connection to broker'), {
      what: 'the deadline passes',
    })
    expect(lines.at(0)?.reason).toBe('no answer within 200 ms')
    await connection.stop()
    expect(connection.status).toBe('stopped')
  })

  test('a server that speaks no MQTT is left', async () => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { lines } = startConnection(port, AGENT)
    await waitFor(() => lines.some(({ msg }) => msg === 'no connection to broker'), {
      what: 'it is noticed',
    })
  })

  test('it can be stopped at any time, twice, and before it was started', async () => {
    const { port } = await BROKERS[0].startBroker({ users: USERS })
    const { connection } = startConnection(port, AGENT)
    await Promise.all([connection.stop(), connection.stop()])
    expect(connection.status).toBe('stopped')
    await expect(connection.publish('a', Buffer.from('x'), once1)).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
    })
  })
})
