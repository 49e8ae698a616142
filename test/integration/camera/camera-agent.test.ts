import { expect, test } from 'vitest'
import { startEmbedded } from '../../support/brokers.ts'
import { canFilm, ROAD_VIDEO } from '../../support/cameras.ts'
import { childrenOf } from '../../support/process-children.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startClockOnly, startLoneAgent } from '../agent/lone-agent.ts'
import { USERS } from '../wire/wire-fixture.ts'

test.skipIf(!canFilm)(
  'a camera is in the URP of an agent, out of it when ffmpeg is killed, and back again',
  async () => {
    const { port } = await startEmbedded({ users: USERS })
    const { wire, urps } = await startClockOnly(port)
    const events: string[] = []
    // The agent keeps its events until a controller is there that confirms them.
    const controller = { controllerId: 'edge', version: '0.0.0', state: 'running' } as const
    await wire.publish('controllerState', {}, controller)
    await wire.on('agentEvent', {}, async ({ code, text, session, sequence }, { agentId }) => {
      events.push(`${code}: ${text}`)
      await wire.publish('taken', { agentId }, { messages: [{ session, sequence }] })
    })
    const agent = startLoneAgent(
      port,
      {},
      {
        sensors: [{ kind: 'camera', id: 'road', source: 'file', path: ROAD_VIDEO }],
      },
    )
    const isIn = (urp: (typeof urps)[number]): boolean =>
      urp.sensing.some(({ sensor }) => sensor === 'road')
    const soon = { ms: 20_000 }
    await waitFor(() => urps.some(isIn), { ...soon, what: `a URP with a camera\n${agent.log()}` })
    const [figures] = urps.findLast(isIn)?.sensing ?? []
    expect(figures).toMatchObject({
      kind: 'camera',
      form: { element: 'uint8', shape: [1, 48, 64] },
    })
    expect(figures?.sketch?.kind).toBe('byte-histogram')

    const [pid] = childrenOf(agent.pid ?? 0, 'ffmpeg')
    process.kill(pid ?? 0, 'SIGKILL')
    const before = urps.length
    const later = (): typeof urps => urps.slice(before)
    await waitFor(() => later().some(urp => !isIn(urp)), { ...soon, what: 'a URP without it' })
    await waitFor(() => urps.slice(-1).every(isIn), { ...soon, what: 'a URP with it again' })
    await waitFor(() => events.length >= 2, { ...soon, what: 'both events' })
    expect(events).toEqual([
      expect.stringMatching(/^SENSOR_LOST: .*ended by SIGKILL\. It is started again/),
      'SENSOR_FOUND: sensor road is there',
    ])
    await waitFor(() => urps.some(({ cost }) => (cost?.cpuSecondsSpent ?? 0) > 0), {
      ...soon,
      what: 'its cost',
    })
  },
)
