import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { RtlTcpClient } from '../../../agent/radio/rtl-tcp/rtl-tcp-client.ts'
import { startRadioServer } from '../../support/radio-server.ts'
import { waitFor } from '../../support/wait-for.ts'

const RATE = 250_000
/** Each byte says where it is. */
const RECORDING = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 7 + (at >> 8)) % 256)

async function connected(port: number, options: object = {}): Promise<RtlTcpClient> {
  const client = await RtlTcpClient.connect({ host: '127.0.0.1', port, ...options })
  onTestFinished(() => client.stop())
  return client
}

async function bytesOf(client: RtlTcpClient, count: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let got = 0
  for await (const part of client.parts()) {
    if (part.is === 'bytes') chunks.push(part.bytes)
    got += part.is === 'bytes' ? part.bytes.length : 0
    if (got >= count) break
  }
  return Buffer.concat(chunks)
}

describe('a radio behind rtl_tcp', () => {
  test('says what it is, takes commands and sends its samples whole', async () => {
    const server = await startRadioServer(RECORDING, { rateHz: RATE, pieceBytes: 777 })
    const client = await connected(server.port)
    expect(client.header).toEqual({ tuner: 'R820T', gainCount: 29 })
    client.tune({
      frequencyHz: 868_300_000,
      rateHz: RATE,
      gainDb: 19.7,
      frequencyCorrectionPpm: -3,
    })
    const bytes = await bytesOf(client, 60_000)
    expect(bytes.equals(RECORDING.subarray(0, bytes.length))).toBe(true)
    await waitFor(() => server.commands.length === 6, { what: 'six commands' })
    expect(server.commands).toEqual([
      ['rateHz', RATE],
      ['frequencyCorrectionPpm', -3],
      ['automaticGain', 0],
      ['gainMode', 1],
      ['gainTenthsDb', 197],
      ['frequencyHz', 868_300_000],
    ])
  })

  test('never waits: what its reader does not take in time is dropped and counted', async () => {
    const server = await startRadioServer(RECORDING, { rateHz: RATE })
    const client = await connected(server.port, { queueBytesMax: 40_000 })
    await waitFor(() => client.droppedBytes > 40_000, { what: 'dropped bytes' })
    const [received, dropped] = [client.receivedBytes, client.droppedBytes]
    // A short piece may still fit after a longer one was dropped: there can be more than one gap.
    const sum = { bytes: 0, gap: 0 }
    for await (const part of client.parts()) {
      sum[part.is] += part.is === 'bytes' ? part.bytes.length : part.bytes
      if (sum.bytes + sum.gap >= received - 1) break
    }
    expect(sum.bytes).toBeLessThanOrEqual(40_000)
    expect(sum.gap).toBe(dropped)
  })

  test('is lost when it falls silent or is cut off, and can be connected to anew', async () => {
    const server = await startRadioServer(RECORDING, { rateHz: RATE })
    const cutOff = await connected(server.port)
    await bytesOf(cutOff, 1000)
    server.cut()
    await expect(bytesOf(cutOff, 1e9)).rejects.toMatchObject({
      code: 'SENSOR_UNAVAILABLE',
      message: expect.stringContaining('lost'),
    })
    const again = await connected(server.port, { silenceMsMax: 300 })
    await bytesOf(again, 1000)
    server.silence()
    await expect(bytesOf(again, 1e9)).rejects.toThrow('sent nothing for 300 ms')
  })
})

describe('what is no radio', () => {
  test('says so where it greets with other words', async () => {
    const server = await startRadioServer(RECORDING, {
      rateHz: RATE,
      greeting: Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
    })
    await expect(connected(server.port)).rejects.toMatchObject({
      code: 'SENSOR_UNAVAILABLE',
      message: expect.stringContaining('does not greet as rtl_tcp does'),
    })
  })

  test('says so where nobody listens, and where the line is closed at once', async () => {
    const closing = createServer(client => client.destroy()).listen(0, '127.0.0.1')
    await waitFor(() => closing.listening, { what: 'the server' })
    const address = closing.address()
    const port = typeof address === 'object' && address ? address.port : 0
    await expect(connected(port)).rejects.toThrow(/closed the connection|cannot be reached/)
    await new Promise(resolve => closing.close(resolve))
    await expect(connected(port)).rejects.toThrow('cannot be reached')
  })
})
