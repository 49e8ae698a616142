import { expect, test } from 'vitest'
import { ControllerLife } from '../../../controller/controller-life.ts'
import type { ControllerState } from '../../../protocol/life.ts'
import { topicFor } from '../../../protocol/topics.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, startWire, USERS } from '../wire/wire-fixture.ts'

const TOPIC = topicFor('home', 'controllerState', {})
const LATE_WILL = {
  session: 7,
  sequence: 0,
  sentAt: '2026-01-01T00:00:00.000Z',
  controllerId: 'edge',
  version: '0.1.0',
  state: 'lost',
}

/** A controller that is running, and somebody else who may write where it writes. */
async function startLife() {
  const broker = await startEmbedded({ users: USERS })
  const { wire, connection, log, lines } = await startWire(broker.port, CONTROLLER)
  const life = new ControllerLife({
    wire,
    identity: { controllerId: 'edge', version: '0.1.0' },
    log,
  })
  await life.start()
  connection.onConnected(() => life.announce())
  life.enter('running')
  const { connection: other } = await startWire(broker.port, CONTROLLER, { clientId: 'other' })
  /** What an agent that comes now is told. */
  const toldTo = async (clientId: string) => {
    const { wire: agent } = await startWire(broker.port, AGENT, { clientId })
    const states: ControllerState['state'][] = []
    await agent.on('controllerState', {}, ({ state }) => void states.push(state))
    return states
  }
  const retain = (payload: string) =>
    other.publish(TOPIC, Buffer.from(payload), { qos: 1, retain: true })
  const warnings = () => lines.filter(({ msg }) => msg.includes('not ours'))
  return { life, retain, toldTo, warnings }
}

test.each([
  ['rubbish', '{"state":'],
  ['the will of an earlier life', JSON.stringify(LATE_WILL)],
  ['nothing', ''],
])('%s in place of the state is replaced, so that agents send', async (_, payload) => {
  const { retain, toldTo, warnings } = await startLife()
  await retain(payload)
  await waitFor(() => warnings().length === 1, { what: 'it notices' })
  const states = await toldTo('late')
  await waitFor(() => states.at(-1) === 'running', { what: 'an agent hears that it is running' })
})

test('its own state, however often it changes, is left alone, and the goodbye is the last word', async () => {
  const { life, retain, toldTo, warnings } = await startLife()
  const states = await toldTo('early')
  for (const state of ['waiting', 'running', 'waiting', 'running'] as const) life.enter(state)
  await retain('rubbish')
  await life.sayGoodbye()
  await waitFor(() => states.at(-1) === 'disconnected', { what: 'it has said goodbye' })
  expect(warnings()).toEqual([])
})
