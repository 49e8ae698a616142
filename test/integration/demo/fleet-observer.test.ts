import { connectAsync } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FleetObserver } from '../../../demo/fleet-observer.ts'
import type { FleetMessage } from '../../../demo/fleet-view.ts'
import { encodeBody } from '../../../protocol/body-codec.ts'
import { topicFor } from '../../../protocol/topics.ts'
import { BROKERS } from '../../support/brokers.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'

const users = [
  { username: 'controller', password: 'one', role: 'controller' as const },
  { username: 'demo', password: 'two', role: 'observer' as const },
]
const state = {
  session: 1,
  sequence: 0,
  sentAt: '2026-01-05T10:00:00.000Z',
  controllerId: 'edge',
  version: '0.1.0',
  state: 'running' as const,
}

describe.each(BROKERS)('an observer on $broker', ({ startBroker, isThere }) => {
  test.skipIf(!isThere)(
    'sees the fleet, drops rubbish and is there again after an outage',
    async () => {
      const broker = await startBroker({ users })
      const { log, lines } = testLog()
      const messages: FleetMessage[] = []
      const observer = new FleetObserver({
        url: broker.url,
        username: 'demo',
        password: 'two',
        site: 'home',
        log,
        onMessage: message => messages.push(message),
      })
      onTestFinished(() => observer.stop())
      await observer.start()
      await publish(broker.url, 'rubbish')
      await waitFor(() => lines.some(({ msg }) => msg === 'message rejected'), { what: 'rejected' })
      expect(messages).toEqual([])

      await publish(broker.url, encodeBody('controllerState', state))
      await waitFor(() => messages.length > 0, { what: 'the state is seen' })
      expect(messages[0]).toEqual({ name: 'controllerState', parameters: {}, body: state })

      await broker.stop()
      await broker.start()
      const seen = messages.length
      await publish(broker.url, encodeBody('controllerState', { ...state, sequence: 1 }))
      await waitFor(() => messages.length > seen, { what: 'the state is seen again' })
      expect(messages.at(-1)?.body.sequence).toBe(1)
    },
  )
})

async function publish(url: string, payload: string | Buffer): Promise<void> {
  const client = await connectAsync(url, { username: 'controller', password: 'one' })
  const topic = topicFor('home', 'controllerState', {})
  await client.publishAsync(topic, payload, { qos: 1, retain: true })
  await client.endAsync()
}
