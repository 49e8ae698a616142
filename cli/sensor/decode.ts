import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { SERIAL_DRIVERS, type SerialDriverName } from '../../firmware-bridge/drivers/registry.ts'
import type { Tally } from '../../firmware-bridge/drivers/stream-decoder.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { unreadable } from '../model/model-file.ts'
import { textTable } from '../model/text-table.ts'

/** Readings that are printed as JSON; those beyond are only counted in `read`. */
const READINGS_MAX = 100_000

export async function runDecode(
  driver: string,
  file: string,
  { json, output }: { readonly json: boolean; readonly output: NodeJS.WritableStream },
): Promise<void> {
  if (!isDriver(driver)) throw new GainnetError('USAGE', `there is no driver ${driver}`)
  const decoder = SERIAL_DRIVERS[driver].decoder()
  const readings: unknown[] = []
  for await (const chunk of bytesOf(file)) {
    for (const reading of decoder.push(chunk)) {
      // The text shows the last one only.
      if (!json) readings[0] = reading
      else if (readings.length < READINGS_MAX) readings.push(reading)
    }
  }
  decoder.finish()
  output.write(json ? jsonOf(driver, decoder.tally, readings) : textOf(decoder.tally, readings[0]))
}

function isDriver(name: string): name is SerialDriverName {
  return Object.hasOwn(SERIAL_DRIVERS, name)
}

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  const source: Readable = file === '-' ? process.stdin : createReadStream(file)
  try {
    yield* file.endsWith('.gz') ? unpacked(source) : source
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

function unpacked(source: Readable): Readable {
  // The failure of either comes out of the last one, which is read.
  return pipeline(source, createGunzip(), () => undefined)
}

/** Indented, but a reading on a line. */
function jsonOf(driver: string, tally: Tally, readings: readonly unknown[]): string {
  const { bytes, noiseBytes, readings: read, others, dropped } = tally
  const head = JSON.stringify({ driver, bytes, noiseBytes, read, others, dropped }, null, 2)
  const lines = readings.map(reading => `    ${JSON.stringify(reading, plainArray)}`)
  const list = lines.length > 0 ? `[\n${lines.join(',\n')}\n  ]` : '[]'
  return `${head.slice(0, -2)},\n  "readings": ${list}\n}\n`
}

function plainArray(_key: string, value: unknown): unknown {
  return value instanceof Int8Array ? [...value] : value
}

function textOf(tally: Tally, last: unknown): string {
  const rows = (counts: Readonly<Record<string, number>>) =>
    textTable(Object.entries(counts).sort(([, a], [, b]) => b - a))
  const part = (title: string, text: string) => (text === '' ? '' : `${title}\n${text}`)
  return [
    `${tally.bytes} bytes, ${tally.noiseBytes} of them between messages\n`,
    part('read', rows(tally.readings)) || 'read nothing: is it the right driver?\n',
    part('of no use to this driver', rows(tally.others)),
    part('dropped', rows(tally.dropped)),
    last === undefined ? '' : `last reading\n  ${JSON.stringify(last, plainArray)}\n`,
  ].join('')
}
