import { describe, expect, test } from 'vitest'
import { ClockSync } from '../../../agent/clock/clock-sync.ts'
import { ControllerPeer } from '../../../agent/controller-peer.ts'
import { ProbeResponder } from '../../../controller/probe/probe-responder.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { waitFor } from '../../support/wait-for.ts'
import { AGENT, CONTROLLER, startWire, USERS } from '../wire/wire-fixture.ts'

const AHEAD_MS = 7_200_000

/** An agent and a controller whose clock is two hours ahead, on one broker. */
async function startBoth() {
  const broker = await startEmbedded({ users: USERS })
  const agent = await startWire(broker.port, AGENT)
  const controller = await startWire(broker.port, CONTROLLER)
  const clock = { ...systemClock, now: () => systemClock.now() + AHEAD_MS }
  const responder = new ProbeResponder({ wire: controller.wire, clock, log: controller.log })
  await responder.start()
  const agentId = AGENT.username
  const peer = new ControllerPeer({ wire: agent.wire, agentId, clock: systemClock })
  await peer.start()
  return { broker, agent, controller, responder, peer }
}

describe('the controller at the other end of the link', () => {
  test('tells its clock, from which the agent knows the offset', async () => {
    const { peer, agent } = await startBoth()
    const sync = new ClockSync({ peer, clock: systemClock, log: agent.log })
    expect(sync.offsetMs).toBe(0)
    await sync.refresh()
    // Off by half a round trip at most; a second is far above that of the loopback.
    expect(Math.abs(sync.offsetMs - AHEAD_MS)).toBeLessThan(1000)
    expect((await peer.exchangeClock()).session).toBe(1)
  })

  test('is no error for the agent when it is away', async () => {
    const { peer, agent, broker } = await startBoth()
    const sync = new ClockSync({ peer, clock: systemClock, log: agent.log })
    await broker.stop()
    await waitFor(() => !agent.connection.isConnected, { what: 'the loss is noticed' })
    await sync.refresh()
    expect(sync.offsetMs).toBe(0)
  })

  test('is not waited for when the connection has ended', async () => {
    const { peer, agent, controller } = await startBoth()
    await controller.connection.stop()
    const waiting = [peer.exchangeClock(), peer.download({ blocks: 4, blockBytes: 100 })].map(
      answer => expect(answer).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' }),
    )
    await agent.connection.stop()
    await Promise.all(waiting)
  })

  test('sends a train down and times one up, all bytes but the first block', async () => {
    const { peer } = await startBoth()
    const train = { blocks: 8, blockBytes: 5000 }
    for (const result of [await peer.download(train), await peer.upload(train)]) {
      expect(result.receivedBytes).toBe(7 * 5000)
      expect(result.durationMs).toBeGreaterThan(0)
      expect(result.durationMs).toBeLessThan(10_000)
    }
  })

  test('refuses a train that is too long, with the bytes', async () => {
    const { peer } = await startBoth()
    const train = { blocks: 256, blockBytes: 256 * 1024 }
    const refusal = {
      code: 'PROBE_FAILED',
      message: 'the controller refused: 67108864 bytes asked, at most 16777216',
    }
    await expect(peer.download(train)).rejects.toMatchObject(refusal)
    await expect(peer.upload(train)).rejects.toMatchObject(refusal)
    // Nothing of it is in the way of the next one.
    expect((await peer.upload({ blocks: 2, blockBytes: 100 })).receivedBytes).toBe(100)
  })

  test('is not confused by blocks of a train that nobody asked for', async () => {
    const { peer, agent } = await startBoth()
    const agentId = AGENT.username
    for (const index of [0, 1, 2]) {
      const stray = { agentId, probeId: 99, index }
      await agent.wire.publishBytes('probeUp', stray, new Uint8Array(10))
    }
    const result = await peer.upload({ blocks: 4, blockBytes: 1000 })
    expect(result.receivedBytes).toBe(3000)
  })
})
