import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServedProbe } from '../../../controller/probe/probe-messages.ts'
import { ProbeThread } from '../../../controller/probe/probe-thread.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'

const HOST = '127.0.0.1'
const BYTES = 4 * 2 ** 20
const { log } = testLog()
const served: ServedProbe[] = []
const thread = new ProbeThread({ host: HOST, port: 0, log, onServed: one => served.push(one) })

beforeAll(() => thread.start())
afterAll(() => thread.stop())

const RIGHT = {
  agentId: 'a',
  kind: 'tcp',
  direction: 'down',
  bytesMax: BYTES,
  expiresInMs: 60_000,
} as const

/** Says hello with the token and counts the bytes until the server ends the probe. */
const CLIENT = `
  const [port, token] = process.argv.slice(1)
  let bytes = 0
  const socket = require('node:net').connect(Number(port), '${HOST}', () =>
    socket.write(Buffer.concat([Buffer.from('GNP1'), Buffer.from(token, 'base64url')])))
  socket.setTimeout(20000, () => socket.destroy())
  socket.on('data', chunk => { bytes += chunk.length })
  socket.on('end', () => socket.end())
  socket.on('close', () => process.stdout.write(String(bytes)))
`

test('a probe is served to its last byte while the loop of the controller stands still', async () => {
  const token = thread.issue(RIGHT, 7)
  // Nothing of this thread runs until the client has ended.
  const client = spawnSync(process.execPath, ['-e', CLIENT, String(thread.port), token], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  expect(Number(client.stdout)).toBeGreaterThan(0.99 * BYTES)
  await waitFor(() => served.length > 0, { what: 'the account of the probe' })
  expect(served[0]).toMatchObject({ grant: 7, right: { agentId: 'a' } })
  expect(served[0]?.bytes).toBeGreaterThan(0.99 * BYTES)
})

test('a port that another one has is PROBE_FAILED, and stopping that is no error', async () => {
  const second = new ProbeThread({ host: HOST, port: thread.port ?? 0, log, onServed: () => {} })
  await expect(second.start()).rejects.toMatchObject({ code: 'PROBE_FAILED' })
  expect(second.port).toBeUndefined()
  await second.stop()
  await second.stop()
})

test('a thread that was never started stops', async () => {
  await new ProbeThread({ host: HOST, port: 0, log, onServed: () => {} }).stop()
})
