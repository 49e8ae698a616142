import { expect, test } from 'vitest'
import { AgentLife } from '../../../agent/agent-life.ts'
import { AgentNotices } from '../../../agent/agent-notices.ts'
import { decodeBody, encodeBody } from '../../../protocol/body-codec.ts'
import { BrokerConnection } from '../../../protocol/broker-connection.ts'
import { MessageSealer } from '../../../protocol/message-sealer.ts'
import type { Content } from '../../../protocol/messages.ts'
import { WireSession } from '../../../protocol/wire-session.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { testLog } from '../../support/test-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

/** An agent that was never connected: its state is what it would say. */
function notices() {
  const { log } = testLog()
  const connection = new BrokerConnection({
    url: 'mqtt://127.0.0.1:1',
    clientId: 'pi-1',
    keepaliveSeconds: 30,
    random: seededRandom(1),
    log,
  })
  const sealer = new MessageSealer({ session: 1, clock: new VirtualClock() })
  const wire = new WireSession({ connection, site: 'home', sealer, log })
  const birth = (): never => {
    throw new Error('nobody is connected')
  }
  const life = new AgentLife({ wire, agentId: 'pi-1', birth, log })
  life.enter('ready')
  const events: Content<'agentEvent'>[] = []
  return { life, events, says: new AgentNotices({ life, send: event => events.push(event) }) }
}

test('an agent is degraded for as long as a sensor is lost, and tells of both ends', () => {
  const { life, events, says } = notices()
  says.sensorChanged({ sensor: 'text', status: 'lost', reason: 'no files in the folder /data' })
  expect(life.state).toBe('degraded')
  says.sensorChanged({ sensor: 'text', status: 'ok', reason: null })
  expect(life.state).toBe('ready')
  expect(events.map(({ code, severity }) => [code, severity])).toEqual([
    ['SENSOR_LOST', 'warning'],
    ['SENSOR_FOUND', 'info'],
  ])
  expect(events[0]?.text).toBe('sensor text is lost: no files in the folder /data')
})

test('two troubles end one by one', () => {
  const { life, says } = notices()
  says.sensorChanged({ sensor: 'text', status: 'lost', reason: 'gone' })
  says.outboxDegraded('ENOSPC: no space left on device')
  says.sensorChanged({ sensor: 'text', status: 'ok', reason: null })
  expect(life.state).toBe('degraded')
  says.outboxDegraded(null)
  expect(life.state).toBe('ready')
})

test('every event fits its message, however long the reason is', () => {
  const { events, says } = notices()
  const reason = 'x'.repeat(2000)
  says.sensorChanged({ sensor: 'text', status: 'lost', reason })
  says.outboxDegraded(reason)
  says.probeFailed({ probe: 'compute', reason })
  says.messageSetAside('gainnet/v1/home/agent/pi-1/event', '/var/lib/gainnet/quarantine/1.record')
  expect(events).toHaveLength(4)
  for (const [sequence, event] of events.entries()) {
    const sentAt = '2026-01-01T00:00:00.000Z'
    const bytes = encodeBody('agentEvent', { ...event, session: 1, sequence, sentAt })
    expect(decodeBody('agentEvent', bytes)).toMatchObject({ ok: true, body: { code: event.code } })
  }
})
