import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MessageOutbox } from '../../../agent/outbox/message-outbox.ts'
import { DeliveryLedger } from '../../../controller/transfer/delivery-ledger.ts'
import { MessageSealer } from '../../../protocol/message-sealer.ts'
import { topicFor } from '../../../protocol/topics.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { BROKERS } from '../../support/brokers.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, connected, startWire, USERS } from './wire-fixture.ts'

/** A controller that takes events once each, and answers clock requests. */
async function startReceiver(port: number) {
  const side = await startWire(port, CONTROLLER)
  const { wire, connection, log } = side
  const path = join(temporaryDirectory(), 'deliveries')
  const ledger = await DeliveryLedger.open({ path, log })
  onTestFinished(() => ledger.close())
  const [taken, heard]: [string[], string[]] = [[], []]
  await wire.on('agentEvent', {}, ({ session, sequence, text }, { agentId }) => {
    heard.push(text)
    if (ledger.isNew(agentId, session, sequence)) taken.push(text)
  })
  await wire.on('clockAsk', {}, ({ id, t1 }, parameters) =>
    wire.publish('clockTell', parameters, { id, t1, t2: 0, t3: 0 }).then(() => {}),
  )
  return { connection, taken, heard }
}

/** An agent whose outbox is open while the controller answers. */
async function startSender(port: number, directory: string, session: number) {
  const { wire, connection, log } = await startWire(port, AGENT)
  const sealer = new MessageSealer({ session, clock: systemClock })
  const outbox = await MessageOutbox.open({
    directory,
    bytesMax: 1024 * 1024,
    send: (topic, payload) => connection.publish(topic, payload, { qos: 1, retain: false }),
    log,
    random: seededRandom(3),
  })
  onTestFinished(() => outbox.close())
  const agentId = AGENT.username
  await wire.on('clockTell', { agentId }, () => outbox.open())
  connection.onDisconnected(() => outbox.hold())
  const ask = (): void => {
    if (!connection.isConnected) return
    wire.publish('clockAsk', { agentId }, { id: 0, t1: 0 }).catch(() => {})
  }
  ask()
  const asking = setInterval(ask, 50)
  onTestFinished(() => clearInterval(asking))
  const topic = topicFor('home', 'agentEvent', { agentId })
  const produce = (text: string) => {
    const content = { code: 'TEST', severity: 'info', text, fields: {} } as const
    const { bytes } = sealer.seal('agentEvent', content)
    return outbox.append({ class: 'event', topic, payload: bytes })
  }
  return { outbox, connection, produce }
}

describe.each(BROKERS)('the outbox over the $broker broker', ({ startBroker, isThere }) => {
  test.skipIf(!isThere)(
    'what was produced while the broker was away arrives afterwards, exactly once',
    { timeout: 60_000 },
    async () => {
      const broker = await startBroker({ users: USERS })
      const proxy = await startTcpProxy(broker.port)
      const receiver = await startReceiver(broker.port)
      const directory = join(temporaryDirectory(), 'outbox')
      const names = (from: string): string[] =>
        Array.from({ length: 200 }, (_, index) => `${from} ${String(index).padStart(3, '0')}`)
      const first = await startSender(proxy.port, directory, 17)
      for (const name of names('a before')) await first.produce(name)
      await waitFor(() => first.outbox.status.storedMessages === 0, { what: 'nothing is left' })
      await waitFor(() => receiver.taken.length === 200, { what: 'the first ones arrive' })

      await broker.stop()
      await waitFor(() => !first.connection.isConnected, { what: 'the agent knows' })
      for (const name of names('b away')) await first.produce(name)
      expect(first.outbox.status.storedMessages).toBe(200)
      // The agent is started anew while the broker is away.
      await first.outbox.close()
      await first.connection.stop()
      await broker.start()
      await connected(receiver.connection)
      const second = await startSender(proxy.port, directory, 18)
      const produced = [...names('a before'), ...names('b away')]
      for (let reset = 0; reset < 4; reset++) {
        const before = receiver.heard.length
        for (const name of names(`c reset ${reset}`)) produced.push(name)
        proxy.resetAfter(10_000)
        for (const name of names(`c reset ${reset}`)) await second.produce(name)
        await waitFor(() => receiver.heard.length > before, { what: 'something arrives' })
      }
      await waitFor(() => receiver.taken.length === produced.length, {
        ms: 30_000,
        what: 'all arrive',
      })
      await waitFor(() => second.outbox.status.storedMessages === 0, { what: 'nothing is left' })
      expect(receiver.taken).toEqual(produced)
      expect(second.outbox.status).toMatchObject({
        produced: produced.length,
        delivered: produced.length,
        dropped: 0,
      })
      expect(second.connection.connectCount).toBeGreaterThan(2)
    },
  )
})
