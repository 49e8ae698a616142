import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort } from '../../../demo/free-port.ts'
import { findCommand } from '../../support/commands.ts'
import type { DaemonProcess } from '../../support/daemon-process.ts'
import { READY_MS, SITE, TestFleet } from '../../support/fleet.ts'
import { waitFor } from '../../support/wait-for.ts'
import { WireTap } from '../../support/wire-tap.ts'

const AGENTS = ['pi-01', 'pi-02'] as const
/** A part may take five seconds to stop, and a daemon that starts ends when it has started. */
const END_MS = 30_000
const WELL = { code: 0, signal: null }

test.skipIf(!findCommand('mosquitto'))(
  'asked to end in mid-training and mid-round, agents and controller end well and say so',
  async () => {
    const fleet = await TestFleet.start({ broker: 'mosquitto', agents: AGENTS })
    const { tap } = fleet
    for (const agentId of AGENTS) {
      await tap.waitFor(
        'assignmentStatus',
        ({ parameters, body }) => parameters.agentId === agentId && body.phase === 'train',
        { ms: READY_MS, what: `${agentId} trains`, after: tap.all('assignmentStatus').length },
      )
      expect(await fleet.agent(agentId).stop(END_MS)).toEqual(WELL)
    }
    expect(await fleet.controller.stop(END_MS)).toEqual(WELL)
    await fleet.expectNothingLeft()
    // Who comes later finds it all retained.
    const late = await WireTap.start({ url: fleet.url, site: SITE, ...LATE })
    for (const agentId of AGENTS) {
      const state = await late.waitFor(
        'agentState',
        ({ parameters }) => parameters.agentId === agentId,
        { ms: 10_000, what: `state of ${agentId}` },
      )
      expect(state.body).toMatchObject({ state: 'disconnected' })
      expect(state.body.session).toBe(fleet.sessionOf(agentId))
    }
    const state = await late.waitFor('controllerState', () => true, {
      ms: 10_000,
      what: 'state of the controller',
    })
    expect(state.body).toMatchObject({ state: 'disconnected' })
  },
  180_000,
)

const LATE = { username: 'tester', password: 'secret of the tester' }

test('asked to end while they start, agents and controller end well', async () => {
  const fleet = await TestFleet.prepare({ broker: 'embedded', agents: AGENTS })
  const nobody = await freePort()
  const starting: [string, DaemonProcess][] = [
    ['pi-01', fleet.startAgent('pi-01', { brokerPort: nobody })],
    ['controller', fleet.startController()],
  ]
  for (const [name, daemon] of starting) {
    await waitFor(() => existsSync(join(fleet.stateDirectory(name), 'lock')), {
      ms: READY_MS,
      what: `${name} has taken its state directory`,
    })
    expect(await daemon.stop(END_MS)).toEqual(WELL)
    expect(existsSync(join(fleet.stateDirectory(name), 'lock'))).toBe(false)
  }
  await fleet.expectNothingLeft()
})

test('asked to end while it measures, while it waits for agents and when it has finished, each ends well', async () => {
  const fleet = await TestFleet.prepare({
    broker: 'embedded',
    agents: AGENTS,
    controller: { rounds: { agentsMin: 1, limit: 1 } },
  })
  fleet.startController({ rounds: { agentsMin: 2 } })
  await fleet.connectTap()
  const measuring = fleet.startAgent('pi-01')
  await waitFor(() => fleet.childrenOf(measuring).length > 0, {
    ms: READY_MS,
    what: 'the agent has started a process that measures',
  })
  expect(await measuring.stop(END_MS)).toEqual(WELL)
  const given = expect.objectContaining({ msg: 'probe given up', probe: 'compute' })
  expect(measuring.lines).toContainEqual(given)
  expect(await fleet.controller.stop(END_MS)).toEqual(WELL)
  expect(fleet.tap.last('controllerState')?.body.state).toBe('disconnected')
  await fleet.expectNothingLeft()

  fleet.startController()
  fleet.startAgent('pi-01')
  await fleet.tap.waitFor('controllerState', ({ body }) => body.state === 'finished', {
    ms: READY_MS,
    what: 'the controller has finished',
  })
  expect(await fleet.controller.stop(END_MS)).toEqual(WELL)
  // Its broker is gone, and it ends all the same.
  await fleet.agent('pi-01').waitForLog('no connection to broker')
  await fleet.stop()
}, 180_000)
