import { expect, test } from 'vitest'
import { AgentLife } from '../../../agent/agent-life.ts'
import type { AgentState } from '../../../protocol/life.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, connected, startWire, USERS } from '../wire/wire-fixture.ts'

const agentId = AGENT.username
const birth = {
  agentId,
  version: '0.1.0',
  startedAt: '2026-01-01T00:00:00.000Z',
  board: {
    model: 'a board',
    cpu: 'a core',
    architecture: 'arm64',
    cores: 1,
    memoryBytes: 1e9,
    os: 'an os',
    node: 'v20',
  },
  sensors: [],
  limits: { computingShare: 0.8, memoryBytes: 1e9, outboxBytes: 1e6 },
}

async function startLife() {
  const broker = await startEmbedded({ users: USERS })
  const { wire, log, connection } = await startWire(broker.port, AGENT)
  const { wire: reader } = await startWire(broker.port, CONTROLLER)
  const states: AgentState[] = []
  const births: string[] = []
  await reader.on('agentState', {}, state => void states.push(state))
  await reader.on('agentBirth', {}, body => void births.push(body.version))
  const life = new AgentLife({ wire, agentId, birth: () => birth, log })
  const last = (state: string, reason?: string) =>
    waitFor(
      () => {
        const newest = states.at(-1)
        return newest?.state === state && newest.reason === reason
      },
      { what: `the state is ${state}, ${reason}` },
    )
  return { broker, life, connection, states, births, last }
}

test('a life goes from init over ready and busy to its goodbye, each said once', async () => {
  const { life, states, births, last } = await startLife()
  await life.announce()
  life.enter('ready')
  life.enter('ready')
  life.enter('busy')
  life.enter('ready')
  await life.sayGoodbye()
  await last('disconnected')
  expect(states.map(({ state }) => state)).toEqual([
    'init',
    'ready',
    'busy',
    'ready',
    'disconnected',
  ])
  expect(births).toEqual(['0.1.0'])
})

test('work that ends after the goodbye does not make the agent look alive', async () => {
  const { life, states, last } = await startLife()
  life.enter('busy')
  await life.sayGoodbye()
  life.enter('ready')
  life.degrade('outbox', 'the disk is full')
  await life.sayGoodbye()
  await last('disconnected', 'outbox: the disk is full')
  expect(states.map(({ state }) => state)).not.toContain('ready')
  expect(life.state).toBe('disconnected')
})

test('what is wrong with its parts is said until all are well again', async () => {
  const { life, last } = await startLife()
  life.degrade('outbox', 'the disk is full')
  await last('init', 'outbox: the disk is full')
  life.enter('ready')
  await last('degraded', 'outbox: the disk is full')
  life.degrade('sensor', 'gone')
  await last('degraded', 'outbox: the disk is full; sensor: gone')
  life.degrade('outbox', null)
  await last('degraded', 'sensor: gone')
  life.degrade('sensor', null)
  await last('ready')
  life.degrade('outbox', 'x'.repeat(1000))
  await last('degraded', `outbox: ${'x'.repeat(292)}`)
})

test('a state that could not be sent is said at the next connect, with the birth', async () => {
  const { broker, life, connection, births, last } = await startLife()
  connection.onConnected(() => life.announce())
  await broker.stop()
  await waitFor(() => !connection.isConnected, { what: 'the loss is noticed' })
  life.enter('ready')
  await broker.start()
  await connected(connection)
  await last('ready')
  // Retained: who connects with it hears it from the broker too.
  expect(births).not.toEqual([])
})
