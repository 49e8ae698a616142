import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { addCredential, loadCredentials } from '../../../controller/broker/credentials.ts'
import { BROKER_LIMITS, startEmbeddedBroker } from '../../../controller/broker/embedded-broker.ts'
import { freePort } from '../../../demo/free-port.ts'
import { MESSAGES } from '../../../protocol/messages.ts'
import { hasCode } from '../../../runtime/errors.ts'
import { BROKERS, startEmbedded } from '../../support/brokers.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'

const USERS = [
  { username: 'edge', password: 'controller secret', role: 'controller' },
  { username: 'eye', password: 'observer secret', role: 'observer' },
  { username: 'pi-04', password: 'agent secret four' },
  { username: 'pi-05', password: 'agent secret five' },
] as const
type Username = (typeof USERS)[number]['username']

interface Heard {
  readonly topic: string
  readonly text: string
  readonly retain: boolean
}

async function login(url: string, options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(url, { reconnectPeriod: 0, ...options }, false)
  client.on('error', () => {})
  onTestFinished(() => void client.end(true))
  return client
}

function loginAs(
  url: string,
  username: Username,
  options: IClientOptions = {},
): Promise<MqttClient> {
  const password = USERS.find(user => user.username === username)?.password ?? ''
  return login(url, { username, password, ...options })
}

function closeOf(client: MqttClient): Promise<void> {
  return new Promise(resolve => client.once('close', () => resolve()))
}

function hear(client: MqttClient): Heard[] {
  const heard: Heard[] = []
  client.on('message', (topic, payload, { retain }) => {
    heard.push({ topic, text: payload.toString(), retain })
  })
  return heard
}

describe.each(BROKERS)('access through the $broker broker', ({ startBroker, isThere }) => {
  test.skipIf(!isThere)('strangers are refused', async () => {
    const { url } = await startBroker({ users: USERS })
    await expect(login(url, {})).rejects.toThrow(/refused/i)
    const wrong = { username: 'pi-04', password: 'agent secret five' }
    await expect(login(url, wrong)).rejects.toThrow(/refused/i)
    await expect(login(url, { username: 'pi-99', password: '' })).rejects.toThrow(/refused/i)
  })

  test.skipIf(!isThere)('each row of the table arrives from its writer only', async () => {
    const { url } = await startBroker({ users: USERS })
    const observer = await loginAs(url, 'eye')
    const heard = hear(observer)
    await observer.subscribeAsync('gainnet/v1/home/#', { qos: 1 })
    const agent = await loginAs(url, 'pi-04')
    const controller = await loginAs(url, 'edge')
    const rows = Object.entries(MESSAGES)
    for (const [name, { topic, retain, qos }] of rows) {
      for (const [writer, client] of [
        ['agent', agent],
        ['observer', observer],
        ['controller', controller],
      ] as const) {
        const path = topic.replace('{agentId}', 'pi-04').replace(/\{\w+\}/g, '7')
        await client.publishAsync(`gainnet/v1/home/${path}`, `${name} ${writer}`, { qos, retain })
      }
    }
    await controller.publishAsync('gainnet/v1/home/ctl/state', 'end', { qos: 1 })
    await waitFor(() => heard.some(({ text }) => text === 'end'), { what: 'the last message' })
    const expected = rows.flatMap(([name, { writer }]) =>
      writer === 'agent' ? [`${name} agent`, `${name} controller`] : [`${name} controller`],
    )
    expect(heard.map(({ text }) => text).sort()).toEqual([...expected, 'end'].sort())
  })

  test.skipIf(!isThere)('what is refused to one agent harms neither it nor another', async () => {
    const { url } = await startBroker({ users: USERS })
    const intruder = await loginAs(url, 'pi-05')
    const agent = await loginAs(url, 'pi-04')
    const observer = await loginAs(url, 'eye')
    const heard = hear(observer)
    await observer.subscribeAsync('#', { qos: 1 })
    for (const topic of ['gainnet/v1/home/agent/pi-04/state', 'gainnet/v1/home/ctl/state', 'x']) {
      await intruder.publishAsync(topic, 'forged', { qos: 1, retain: true })
      await intruder.publishAsync(topic, 'forged', { qos: 0 })
    }
    await agent.publishAsync('gainnet/v1/home/agent/pi-04/state', 'mine', { qos: 1 })
    await intruder.publishAsync('gainnet/v1/home/agent/pi-05/state', 'last', { qos: 1 })
    await waitFor(() => heard.some(({ text }) => text === 'last'), { what: 'the last message' })
    expect(heard.map(({ text }) => text)).toEqual(['mine', 'last'])
  })

  test.skipIf(!isThere)('an agent reads its own messages and those for all', async () => {
    const { url } = await startBroker({ users: USERS })
    const agent = await loginAs(url, 'pi-04')
    const heard = hear(agent)
    await agent.subscribeAsync(['gainnet/v1/home/agent/pi-04/#', 'gainnet/v1/home/ctl/#'], {
      qos: 1,
    })
    // aedes refuses the subscription, Mosquitto grants it and delivers nothing.
    await agent.subscribeAsync('gainnet/v1/home/agent/pi-05/#', { qos: 1 }).catch(() => {})
    const controller = await loginAs(url, 'edge')
    for (const place of ['agent/pi-05/assignment', 'agent/pi-04/assignment', 'ctl/clock']) {
      await controller.publishAsync(`gainnet/v1/home/${place}`, place, { qos: 1 })
    }
    await waitFor(() => heard.length >= 2, { what: 'two messages' })
    expect(heard.map(({ text }) => text)).toEqual(['agent/pi-04/assignment', 'ctl/clock'])
  })

  test.skipIf(!isThere)('the will of an agent whose socket is cut is retained', async () => {
    const { url } = await startBroker({ users: USERS })
    const topic = 'gainnet/v1/home/agent/pi-04/state'
    const will = { topic, payload: Buffer.from('lost'), qos: 1, retain: true } as const
    const agent = await loginAs(url, 'pi-04', { will })
    const observer = await loginAs(url, 'eye')
    const heard = hear(observer)
    await observer.subscribeAsync(topic, { qos: 1 })
    agent.stream.destroy()
    await waitFor(() => heard.length > 0, { what: 'the will' })
    const late = await loginAs(url, 'edge')
    const retained = hear(late)
    await late.subscribeAsync(topic, { qos: 1 })
    await waitFor(() => retained.length > 0, { what: 'the retained will' })
    expect(retained).toEqual([{ topic, text: 'lost', retain: true }])
  })

  test.skipIf(!isThere)('it can go away and come back on its port', async () => {
    const broker = await startBroker({ users: USERS })
    const before = await loginAs(broker.url, 'pi-04')
    const closed = closeOf(before)
    await broker.stop()
    await closed
    await broker.start()
    const after = await loginAs(broker.url, 'pi-04')
    expect(after.connected).toBe(true)
  })
})

describe('the embedded broker', () => {
  test('a taken port is named', async () => {
    const first = await startEmbedded({ users: USERS })
    await expect(startEmbedded({ users: USERS, port: first.port })).rejects.toSatisfy(
      error =>
        hasCode(error, 'BROKER_PORT_TAKEN') && error.message.includes(`127.0.0.1:${first.port}`),
    )
  })

  test('a subscription beyond what is allowed is refused, and said so', async () => {
    const { url, lines } = await startEmbedded({ users: USERS })
    const agent = await loginAs(url, 'pi-04')
    const filter = 'gainnet/v1/home/agent/+/state'
    await expect(agent.subscribeAsync(filter)).rejects.toThrow()
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'subscription refused', username: 'pi-04', filter }),
    )
    expect(agent.connected).toBe(true)
  })

  test('nobody can throw another out by taking its client id', async () => {
    const { url } = await startEmbedded({ users: USERS })
    const agent = await loginAs(url, 'pi-04', { clientId: 'pi-04' })
    await expect(loginAs(url, 'pi-05', { clientId: 'pi-04' })).rejects.toThrow(/refused/i)
    await expect(loginAs(url, 'pi-05', { clientId: 'pi-04:probe' })).rejects.toThrow(/refused/i)
    const closed = closeOf(agent)
    const again = await loginAs(url, 'pi-04', { clientId: 'pi-04' })
    await closed
    expect(again.connected).toBe(true)
  })

  test('a packet above the limit ends its connection and no other', async () => {
    const { url, port, lines } = await startEmbedded({ users: USERS })
    const agent = await loginAs(url, 'pi-04')
    const socket = connectTcp(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    // CONNECT that announces 268,435,455 bytes.
    socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]))
    await once(socket, 'close')
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'packet too large' }))
    await agent.publishAsync('gainnet/v1/home/agent/pi-04/state', 'alive', { qos: 1 })
  })

  test('the largest allowed body passes', async () => {
    const { url } = await startEmbedded({ users: USERS })
    const observer = await loginAs(url, 'eye')
    const got: number[] = []
    observer.on('message', (_, payload) => got.push(payload.length))
    await observer.subscribeAsync('gainnet/v1/home/#', { qos: 1 })
    const controller = await loginAs(url, 'edge')
    const body = Buffer.alloc(4 * 1024 * 1024, 1)
    await controller.publishAsync('gainnet/v1/home/agent/pi-04/assignment', body, { qos: 1 })
    await waitFor(() => got.length > 0, { what: 'the large message' })
    expect(got).toEqual([body.length])
    expect(BROKER_LIMITS.packetBytesMax).toBeGreaterThan(body.length)
  })

  test('rubbish instead of MQTT ends its own connection only', async () => {
    const { url, port } = await startEmbedded({ users: USERS })
    const agent = await loginAs(url, 'pi-04')
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(64, 0xff),
      Buffer.from([0x10, 0x0c, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 0xff, 0xff, 0, 0, 0, 0]),
    ]) {
      const socket = connectTcp(port, '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => {})
      socket.end(bytes)
      await once(socket, 'close')
    }
    await agent.publishAsync('gainnet/v1/home/agent/pi-04/state', 'alive', { qos: 1 })
  })

  test('a reader that has stopped reading does not hold up the others', async () => {
    const { url } = await startEmbedded({ users: USERS })
    const frozen = await loginAs(url, 'pi-05')
    const controller = await loginAs(url, 'edge')
    await frozen.subscribeAsync('gainnet/v1/home/ctl/#', { qos: 0 })
    frozen.stream.pause()
    const agent = await loginAs(url, 'pi-04')
    let count = 0
    agent.on('message', () => {
      count += 1
    })
    await agent.subscribeAsync('gainnet/v1/home/ctl/#', { qos: 0 })
    // More messages and bytes than the sockets between hold (some MiB).
    const block = Buffer.alloc(128 * 1024)
    for (let index = 0; index < 200; index++) {
      await controller.publishAsync(`gainnet/v1/home/ctl/blob/ab/${index}`, block, { qos: 1 })
    }
    await waitFor(() => count === 200, { what: 'all blocks at the reader that reads' })
  })

  test('stop ends within a second whatever hangs on the sockets, and may be called twice', async () => {
    const { url, port, embedded } = await startEmbedded({ users: USERS })
    const agent = await loginAs(url, 'pi-04')
    const silent = connectTcp(port, '127.0.0.1')
    onTestFinished(() => void silent.destroy())
    await once(silent, 'connect')
    await waitFor(() => embedded().counts.connections === 2, { what: 'both connections' })
    const ended = Promise.all([once(silent, 'close'), closeOf(agent)])
    const start = performance.now()
    await embedded().stop()
    await embedded().stop()
    expect(performance.now() - start).toBeLessThan(2 * BROKER_LIMITS.flushMs)
    await ended
    expect(embedded().counts.connections).toBe(0)
  })

  test('what was published before the stop still reaches its readers', async () => {
    const { url, embedded } = await startEmbedded({ users: USERS })
    const agent = await loginAs(url, 'pi-04')
    const heard = hear(agent)
    await agent.subscribeAsync('gainnet/v1/home/ctl/#', { qos: 1 })
    const controller = await loginAs(url, 'edge')
    const closed = closeOf(agent)
    await controller.publishAsync('gainnet/v1/home/ctl/state', 'x'.repeat(2_000_000), { qos: 1 })
    await embedded().stop()
    await closed
    expect(heard.map(({ text }) => text.length)).toEqual([2_000_000])
  })

  test('a credential that is added while it runs opens at once', async () => {
    const stateDirectory = temporaryDirectory()
    const credentials = await loadCredentials(stateDirectory)
    const { log } = testLog()
    const port = await freePort()
    const broker = await startEmbeddedBroker({
      host: '127.0.0.1',
      port,
      credentials,
      site: 'home',
      log,
    })
    onTestFinished(() => broker.stop())
    expect(broker.url).toBe(`mqtt://127.0.0.1:${port}`)
    const attempt = { username: 'pi-06', password: 'not known yet' }
    await expect(login(broker.url, attempt)).rejects.toThrow(/refused/i)
    expect(broker.counts.refusedLogins).toBe(1)
    const password = await addCredential(stateDirectory, 'pi-06')
    const client = await login(broker.url, { username: 'pi-06', password })
    expect(client.connected).toBe(true)
  })
})
