import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { fillStandardNormal, seededRandom } from '../../../runtime/seeded-random.ts'
import { findCommand } from '../../support/commands.ts'
import { asCu8 } from '../../support/iq-signal.ts'
import { nexusSignal } from '../../support/nexus-signal.ts'
import { startRadioServer } from '../../support/radio-server.ts'

const RATE = 250_000

// Another program that speaks rtl_tcp holds the server of these tests to the protocol.
test.skipIf(!findCommand('rtl_433'))(
  'rtl_433 reads a thermometer from the server that the client is tested with',
  async () => {
    const signal = nexusSignal(RATE, { id: 0x5d, celsius: 23.4, humidity: 57 })
    const noise = fillStandardNormal(new Float32Array(signal.length), seededRandom(12))
    const air = signal.map((value, at) => value + 0.01 * (noise[at] ?? 0))
    const server = await startRadioServer(asCu8(air), { rateHz: RATE })
    const args = ['-d', `rtl_tcp:127.0.0.1:${server.port}`, '-s', String(RATE), '-F', 'json']
    const child = spawn('rtl_433', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const { value } = await lines.next()
    expect(JSON.parse(value)).toMatchObject({
      model: 'Nexus-TH',
      id: 0x5d,
      channel: 1,
      temperature_C: 23.4,
      humidity: 57,
    })
    expect(server.commands).toContainEqual(['rateHz', RATE])
    expect(server.commands).toContainEqual(['frequencyHz', 433_920_000])
  },
)
