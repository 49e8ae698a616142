import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { SerialFeeder } from '../../../bench/sensor-loss/serial-feeder.ts'
import { packetOf, recordedFrames } from '../../../cases/hardware-in-the-loop/radar-capture.ts'
import type { Content } from '../../../protocol/messages.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { findCommand } from '../../support/commands.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { EmulatedBoard, missingFirmwareTools } from '../../support/emulated-board.ts'
import { asCu8, iqSignal } from '../../support/iq-signal.ts'
import { startRadioServer } from '../../support/radio-server.ts'
import { waitFor } from '../../support/wait-for.ts'
import { capture } from '../../unit/firmware-bridge/drivers/captures.ts'
import { USERS } from '../wire/wire-fixture.ts'
import { startClockOnly, startLoneAgent } from './lone-agent.ts'

const WAIT_MS = 30_000
const csi = capture('serial-captures/esp32-csi-fast.csv.gz')
const radhar = capture('radhar-mmwave/test.bin.gz')
const MODEM = Buffer.from(
  '+CSQ: 20,99\r\n+QENG: "servingcell","NOCONN","LTE","FDD",262,01,2D8B803,313,1300,3,5,5,1A2B,-91,-9,-62,180,-\r\n',
)

/** The agent as a process, what it says in its URPs and what happens to it. */
async function startBoard(config: object) {
  const { port } = await startEmbedded({ users: USERS })
  const { wire, urps } = await startClockOnly(port)
  const events: Content<'agentEvent'>[] = []
  // The agent keeps its events until a controller is there that confirms them.
  const controller = { controllerId: 'edge', version: '0.0.0', state: 'running' } as const
  await wire.publish('controllerState', {}, controller)
  await wire.on('agentEvent', {}, async (event, { agentId }) => {
    const { session, sequence } = event
    events.push(event)
    await wire.publish('taken', { agentId }, { messages: [{ session, sequence }] })
  })
  const { log } = startLoneAgent(port, {}, config)
  const story = () => {
    const last = urps.at(-1)
    const shown = { crId: last?.crId, sensing: last?.sensing.length, provenance: last?.provenance }
    return `${urps.length} URPs, the last one ${JSON.stringify(shown)}\n${log().slice(-3000)}`
  }
  const seen = <T>(condition: () => T, what: string) =>
    waitFor(condition, { ms: WAIT_MS, what }).catch(cause => {
      throw new Error(`${what}: ${story()}`, { cause })
    })
  const sensorsIn = (urp: (typeof urps)[number]) => urp.sensing.map(({ sensor }) => sensor).sort()
  /** The first URP from now on with exactly these sensors. */
  const urpWith = async (...wanted: string[]) => {
    const from = urps.length
    const fits = () => urps.slice(from).find(urp => `${sensorsIn(urp)}` === `${wanted.sort()}`)
    return seen(fits, `a URP with ${wanted.join() || 'no sensors'}`)
  }
  const told = (code: string, text: string) =>
    seen(
      () => events.find(event => event.code === code && event.text.includes(text)),
      `${code} ${text}`,
    )
  return { urps, urpWith, told, seen }
}

async function plugIn(path: string, bytes: Uint8Array, bytesPerSecond: number) {
  const feeder = await SerialFeeder.plugIn({ path, capture: bytes, bytesPerSecond })
  onTestFinished(() => feeder.unplug())
  return feeder
}

test.skipIf(!csi || !radhar || !findCommand('socat'))(
  'what is on serial lines is in the URP while it is there, whatever number its port has (needs socat and the shared data)',
  { timeout: 120_000 },
  async () => {
    const folder = temporaryDirectory()
    const paths = ['csi', 'radar', 'modem'].map(name => join(folder, name))
    const [csiPath = '', radarPath = '', modemPath = ''] = paths
    const frames = recordedFrames(radhar ?? Buffer.alloc(0), 300).map(packetOf)
    const first = await plugIn(csiPath, csi ?? Buffer.alloc(0), 40_000)
    await plugIn(radarPath, Buffer.concat(frames), 10_000)
    const modem = await plugIn(modemPath, MODEM, 200)
    const { urpWith, told, urps, seen } = await startBoard({
      sensors: [
        { kind: 'serial', id: 'csi', driver: 'esp32-csi', port: csiPath },
        { kind: 'serial', id: 'radar', driver: 'ti-mmwave', port: radarPath },
        { kind: 'serial', id: 'modem', driver: 'at-modem', port: modemPath },
      ],
    })

    const urp = await urpWith('csi', 'radar', 'modem')
    const figures = new Map(urp.sensing.map(one => [one.sensor, one]))
    for (const [sensor, kind] of [
      ['csi', 'esp32-csi'],
      ['radar', 'ti-mmwave'],
    ] as const) {
      const form = { element: 'float32', shape: [64] }
      expect(figures.get(sensor)).toMatchObject({ kind, form, labelled: false })
      expect(figures.get(sensor)?.rowsPerSecond).toBeGreaterThan(1)
      expect(figures.get(sensor)?.sketch?.sampleCount).toBeGreaterThan(0)
    }
    // The modem is asked, and what it says of its cell is of the link.
    expect(modem.said).toContain('AT+CSQ\r')
    const isTold = () => urps.at(-1)?.links.find(({ cell }) => cell?.sinrDb !== undefined)?.cell
    expect(await seen(isTold, 'the cell in the link part')).toMatchObject({
      technology: 'LTE',
      downlinkHz: 20e6,
      rsrpDbm: -91,
      sinrDb: 16,
    })

    const { terminal } = first
    // Holds the number of the first one, so that the next one gets another.
    await first.unplug()
    await urpWith('radar', 'modem')
    await told('SENSOR_LOST', 'sensor csi is lost')
    await plugIn(join(folder, 'another'), new Uint8Array(1), 1)
    const second = await plugIn(csiPath, csi ?? Buffer.alloc(0), 40_000)
    expect(second.terminal).not.toBe(terminal)
    await urpWith('csi', 'radar', 'modem')
    await told('SENSOR_FOUND', 'sensor csi is there')

    // The wrong speed: bytes, and none of them makes sense.
    second.feed(
      Uint8Array.from({ length: 5000 }, (_, at) => (at * 7919) % 256),
      10_000,
    )
    await urpWith('radar', 'modem')
    await told('SENSOR_LOST', 'is this its driver, and 921600 its baud rate?')
    // A flood: many times what the line can carry.
    second.feed(csi ?? Buffer.alloc(0), 4_000_000)
    await urpWith('csi', 'radar', 'modem')
    second.silence()
    await urpWith('radar', 'modem')
    await told('SENSOR_LOST', 'it said nothing for 2000 ms although its port is open')
  },
)

test('a radio is a pool of the URP and a sensor while it is heard', {
  timeout: 120_000,
}, async () => {
  const rateHz = 256_000
  const blocks = 8
  const tone = { frequency: 6.5 / blocks - 0.5, power: 0.05 }
  const signal = iqSignal(rateHz, { random: seededRandom(4), noisePower: 1e-3, tones: [tone] })
  const server = await startRadioServer(asCu8(signal), { rateHz })
  const { urpWith, told, urps, seen } = await startBoard({
    radios: [{ kind: 'rtl-tcp', id: 'ism', port: server.port, frequencyHz: 868e6, rateHz, blocks }],
    sensors: [{ kind: 'spectrum', id: 'band', radio: 'ism' }],
  })
  const urp = await urpWith('band')
  expect(urp.sensing[0]).toMatchObject({
    kind: 'spectrum',
    form: { element: 'float32', shape: [blocks] },
  })
  const pool = await seen(
    () => urps.at(-1)?.frequency.find(({ link }) => link === 'ism'),
    'a pool of the radio',
  )
  expect(pool).toMatchObject({ kind: 'spectrum', blockCount: blocks, blockWidthHz: 32_000 })
  const { rows, columns, values } = pool.availability
  expect([rows, columns]).toEqual([4, blocks])
  for (let slot = 0; slot < rows; slot++) {
    expect(values[slot * columns + 6]).toBeLessThan(0.1)
    expect(values[slot * columns + 2]).toBeGreaterThan(0.8)
  }
  expect(urps.at(-1)?.provenance['frequency.ism']?.status).toBe('ok')

  server.cut()
  await told('SENSOR_LOST', 'sensor ism is lost: the radio is lost')
  await told('SENSOR_LOST', 'sensor band is lost: the radio is lost')
  // It is there again at once; a server that falls silent is not.
  await told('SENSOR_FOUND', 'sensor band is there')
  server.silence()
  const silent = await urpWith()
  expect(silent.frequency).toEqual([])
})

test.skipIf(missingFirmwareTools.length > 0)(
  'a board with our firmware is in the URP while it answers',
  { timeout: 120_000 },
  async () => {
    const board = await EmulatedBoard.start()
    const { urpWith, told } = await startBoard({
      sensors: [{ kind: 'firmware', id: 'vibration', port: board.path, rateHz: 320, values: 32 }],
    })
    const urp = await urpWith('vibration')
    expect(urp.sensing[0]).toMatchObject({
      kind: 'firmware',
      form: { element: 'float32', shape: [32] },
      rowsPerSecond: 10,
    })
    board.freeze()
    await urpWith()
    await told('SENSOR_LOST', 'it said nothing for 1600 ms')
    board.thaw()
    await urpWith('vibration')
    await told('SENSOR_FOUND', 'sensor vibration is there')
  },
)
