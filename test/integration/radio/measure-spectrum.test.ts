import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { measureSpectrum } from '../../../agent/measure-command/measure-spectrum.ts'
import { AgentConfig } from '../../../config/agent-schema.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { asCu8, iqSignal } from '../../support/iq-signal.ts'
import { startRadioServer } from '../../support/radio-server.ts'

const RATE = 256_000
const BLOCKS = 8
/** In the middle of block 6. */
const TONE = { frequency: 6.5 / BLOCKS - 0.5, power: 0.05 }

async function output(port: number, form: 'json' | 'csv' | 'page'): Promise<string> {
  const config = AgentConfig.parse({
    agentId: 'a1',
    stateDirectory: temporaryDirectory(),
    radios: [
      { kind: 'rtl-tcp', id: 'ism', port, frequencyHz: 868_000_000, rateHz: RATE, blocks: BLOCKS },
    ],
  })
  let text = ''
  const collector = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
    },
  })
  await measureSpectrum(config, {
    json: form === 'json',
    csv: form === 'csv',
    output: collector,
  })
  return text
}

describe('gainnet measure spectrum', () => {
  test('shows the measured time-frequency matrix of a radio', async () => {
    const options = { random: seededRandom(4), noisePower: 1e-3, tones: [TONE] }
    const server = await startRadioServer(asCu8(iqSignal(RATE, options)), { rateHz: RATE })
    const [json, page, csv] = await Promise.all(
      (['json', 'page', 'csv'] as const).map(form => output(server.port, form)),
    )
    const [radio] = JSON.parse(json ?? '').radios
    expect(radio).toMatchObject({ kind: 'spectrum', blockCount: BLOCKS, blockWidthHz: 32_000 })
    expect(radio.availability).toHaveLength(10)
    for (const [slot, row] of radio.availability.entries()) {
      if (radio.heard[slot] === 0) continue
      expect(row[6]).toBe(0)
      for (const block of [0, 1, 2, 3, 4]) expect(row[block]).toBeGreaterThan(0.9)
    }
    expect(page).toContain('a1: ism, R820T at 127.0.0.1:')
    expect(page).toContain('0.256 MHz around 868 MHz, 8 blocks of 32 kHz, 10 slots of 100 ms')
    expect(page?.split('\n').find(line => line.includes('868.064 MHz'))).toMatch(/·{20}/)
    expect(csv).toContain('radio,slot,block,fromHz,toHz,free\nism,0,0,867872000,867904000,')
    expect(server.commands).toContainEqual(['frequencyHz', 868_000_000])
  })

  test('says in a sentence that no server is there', async () => {
    const server = await startRadioServer(new Uint8Array(2), {
      rateHz: RATE,
      greeting: Buffer.from('HTTP/1.1 400 Bad Request\r\n'),
    })
    await expect(output(server.port, 'page')).rejects.toMatchObject({
      code: 'SENSOR_UNAVAILABLE',
    })
    await expect(output(1, 'page')).rejects.toThrow('127.0.0.1:1 cannot be reached')
  })
})
