import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { serveRadio } from '../../bench/sensor-loss/radio-server.ts'

/**
 * A receiver behind rtl_tcp on a host of the lab, which our own process is not on: `<recording> <port>
 * <rate in Hz>`. Goes silent and plays again by lines on standard input, and ends with it.
 */
const [recording = '', port = '', rateHz = ''] = process.argv.slice(2)
const options = { port: Number(port), rateHz: Number(rateHz) }
const bytes = readFileSync(recording)
let server = await serveRadio(bytes, options)
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'silence') server.silence()
  if (line === 'play') {
    server.stop()
    server = await serveRadio(bytes, options)
  }
}
server.stop()
