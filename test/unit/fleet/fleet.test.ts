import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fleet } from '../../../controller/fleet/fleet.ts'
import { AGENT_STATES } from '../../../protocol/life.ts'
import { birthOf, healthOf, stateOf, urpFrom } from './fleet-messages.ts'

const ID = 'pi-04'

/** An agent that is ready in its fifth life. */
function readyFleet(): Fleet {
  const fleet = new Fleet()
  fleet.onBirth(ID, birthOf(5))
  fleet.onState(ID, stateOf(5, 'ready'))
  return fleet
}

describe('an agent', () => {
  test('is born with its birth and takes part when it is ready', () => {
    const fleet = new Fleet()
    expect(fleet.onBirth(ID, birthOf(5))).toEqual({ type: 'born', agentId: ID, session: 5 })
    expect(fleet.present).toEqual([])
    expect(fleet.onState(ID, stateOf(5, 'ready'))).toBeNull()
    expect(fleet.present.map(({ agentId }) => agentId)).toEqual([ID])
    expect(fleet.member(ID)).toMatchObject({ session: 5, state: 'ready' })
  })

  test.each(AGENT_STATES)('in the state %s takes part only while it can work', state => {
    const fleet = new Fleet()
    fleet.onBirth(ID, birthOf(5))
    fleet.onState(ID, stateOf(5, state))
    expect(fleet.present.length === 1).toBe(['ready', 'busy', 'degraded'].includes(state))
  })

  test('without a birth does not take part: nobody knows what it is', () => {
    const fleet = new Fleet()
    fleet.onState(ID, stateOf(5, 'ready'))
    expect(fleet.present).toEqual([])
  })

  test('dies once, with the reason of its will', () => {
    const fleet = readyFleet()
    const died = { type: 'died', agentId: ID, reason: 'the connection broke' }
    expect(fleet.onState(ID, stateOf(5, 'lost', 'the connection broke'))).toEqual(died)
    expect(fleet.onState(ID, stateOf(5, 'lost', 'the connection broke'))).toBeNull()
    expect(fleet.present).toEqual([])
  })

  test('that was cut off comes back to the same life', () => {
    const fleet = readyFleet()
    fleet.onState(ID, stateOf(5, 'lost'))
    expect(fleet.onBirth(ID, birthOf(5))).toBeNull()
    expect(fleet.onState(ID, stateOf(5, 'busy'))).toBeNull()
    expect(fleet.present).toHaveLength(1)
  })
})

describe('of an older life', () => {
  test('a late will changes nothing', () => {
    const fleet = readyFleet()
    const before = fleet.member(ID)
    expect(fleet.onState(ID, stateOf(4, 'lost'))).toBeNull()
    expect(fleet.onBirth(ID, birthOf(4))).toBeNull()
    expect(fleet.onUrp(ID, urpFrom(4))).toBeNull()
    fleet.onHealth(ID, healthOf(4))
    expect(fleet.member(ID)).toEqual(before)
  })

  test('nothing is left when the new one is born without a death in between', () => {
    const fleet = readyFleet()
    fleet.onUrp(ID, urpFrom(5))
    fleet.onHealth(ID, healthOf(5))
    expect(fleet.onBirth(ID, birthOf(6))).toEqual({ type: 'born', agentId: ID, session: 6 })
    expect(fleet.member(ID)).toMatchObject({ state: 'init', urp: null, health: null, session: 6 })
    expect(fleet.present).toEqual([])
  })

  test('nothing is left where the state of the new one comes before its birth', () => {
    const fleet = readyFleet()
    fleet.onUrp(ID, urpFrom(5))
    expect(fleet.onState(ID, stateOf(6, 'ready'))).toBeNull()
    expect(fleet.onUrp(ID, urpFrom(6, 9))).toEqual({ type: 'urp', agentId: ID, crId: 9 })
    expect(fleet.onBirth(ID, birthOf(6))).toEqual({ type: 'born', agentId: ID, session: 6 })
    expect(fleet.present[0]).toMatchObject({ session: 6, urp: { session: 6, crId: 9 } })
  })

  test('a new life that is not ready yet is a death of the old one', () => {
    const fleet = readyFleet()
    expect(fleet.onState(ID, stateOf(6, 'init'))).toMatchObject({ type: 'died' })
  })
})

describe('whatever comes in whatever order', () => {
  const message = fc.record({
    kind: fc.constantFrom('birth', 'state', 'urp', 'health'),
    session: fc.integer({ min: 1, max: 4 }),
    state: fc.constantFrom(...AGENT_STATES),
  })

  type Message = typeof message extends fc.Arbitrary<infer T> ? T : never

  function tell(fleet: Fleet, { kind, session, state }: Message) {
    if (kind === 'birth') return fleet.onBirth(ID, birthOf(session))
    if (kind === 'state') return fleet.onState(ID, stateOf(session, state))
    if (kind === 'urp') return fleet.onUrp(ID, urpFrom(session))
    fleet.onHealth(ID, healthOf(session))
    return null
  }

  test('all that is known of an agent is of one life, and each life is born once', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), messages => {
        const fleet = new Fleet()
        const born = messages.flatMap(one => {
          const change = tell(fleet, one)
          const { session, birth, urp, health } = fleet.member(ID) ?? {}
          const sessions = [birth, urp, health].flatMap(part => (part ? [part.session] : []))
          expect(sessions.every(other => other === session)).toBe(true)
          return change?.type === 'born' ? [change.session] : []
        })
        expect(born).toEqual([...new Set(born)].sort())
      }),
    )
  })
})

test('the members of a fleet stand in the order of their ids, ten thousand at most', () => {
  const fleet = new Fleet()
  for (let count = 0; count < 10_050; count++) {
    fleet.onState(`id-${count}`, stateOf(1, 'ready'))
  }
  const ids = fleet.members.map(({ agentId }) => agentId)
  expect(ids).toHaveLength(10_000)
  expect(ids).toEqual([...ids].sort())
  expect(fleet.onState('id-3', stateOf(1, 'lost'))).toMatchObject({ type: 'died' })
})
