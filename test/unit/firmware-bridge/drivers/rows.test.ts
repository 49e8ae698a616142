import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packetOf, recordedFrames } from '../../../../cases/hardware-in-the-loop/radar-capture.ts'
import {
  SERIAL_DRIVERS,
  type SerialDriverName,
} from '../../../../firmware-bridge/drivers/registry.ts'
import { ROOT } from '../../../support/root.ts'
import { capture } from './captures.ts'

const csi = capture('serial-captures/esp32-csi-fast.csv.gz')
const ublox = capture('serial-captures/ublox-neo-m8l.log')
const quectel = capture('serial-captures/quectel-l76k-nmea.log')
const radhar = capture('radhar-mmwave/test.bin.gz')

function rowsOf(
  driver: SerialDriverName,
  bytes: Uint8Array,
  width: number = SERIAL_DRIVERS[driver].rowValues,
): readonly Float32Array[] {
  return SERIAL_DRIVERS[driver].reader(width).push(bytes)
}

const textBytes = (...lines: string[]) => Buffer.from(lines.map(line => `${line}\r\n`).join(''))

test.skipIf(!csi)('channel state: a packet is a row of amplitudes in order of frequency', () => {
  const all = rowsOf('esp32-csi', csi ?? Buffer.alloc(0))
  // The last of 1089 lines has no end.
  expect(all).toHaveLength(1088)
  const [first] = all
  // The pair at index 1 of the log (2, 0) is the sub-carrier above the middle one.
  expect(first?.[33]).toBeCloseTo(2 / 128, 6)
  expect(first?.[34]).toBeCloseTo(Math.hypot(24, -17) / 128, 6)
  expect(first?.[31]).toBeCloseTo(Math.hypot(27, -8) / 128, 6)
  const used = rowsOf('esp32-csi', csi ?? Buffer.alloc(0), 52)[0]
  expect([used?.[26], used?.[27], used?.[25]]).toEqual([first?.[33], first?.[34], first?.[31]])
  // Nothing is received on guard sub-carriers, and 52 have none of them.
  expect([...(first?.subarray(0, 5) ?? [])]).toEqual([0, 0, 0, 0, 0])
  for (const row of all) for (const value of row) expect(value).toBeLessThan(1.5)
})

test.skipIf(!radhar)('a radar: a frame is a row of power over distance and Doppler', () => {
  const frames = recordedFrames(radhar ?? Buffer.alloc(0), 50)
  const rows = rowsOf('ti-mmwave', Buffer.concat(frames.map(packetOf)))
  expect(rows).toHaveLength(50)
  for (const [index, { points }] of frames.entries()) {
    const row = rows[index] ?? new Float32Array()
    const power = points.reduce((sum, [, , , , peak]) => sum + peak, 0)
    // Each half tells of every point once.
    for (const half of [row.subarray(0, 32), row.subarray(32)]) {
      const told = half.reduce((sum, value) => sum + 10 ** (6 * value) - 1, 0)
      expect(told / Math.max(1, power)).toBeCloseTo(points.length > 0 ? 1 : 0, 2)
    }
  }
})

test.each([
  ['an M8L', ublox],
  ['an L76K', quectel],
] as const)('positions of %s: a moment is one row', (_name, log) => {
  if (!log) return
  const rows = rowsOf('gnss', log)
  expect(rows.length).toBeGreaterThan(50)
  const last = rows.at(-1) ?? new Float32Array()
  expect(last).toHaveLength(8)
  for (const value of last) expect(Math.abs(value)).toBeLessThanOrEqual(2)
})

test('presence: gates of either mode are two halves of a row', () => {
  const engineering = Buffer.from(
    'f4f3f2f1230001aa031e003c000039000008083c22050303040306050000391013060608040305' +
      '5500f8f7f6f5',
    'hex',
  )
  const [gates] = rowsOf('ld2410', engineering, 18)
  expect([...(gates ?? [])].map(value => Math.round(100 * value))).toEqual([
    60, 34, 5, 3, 3, 4, 3, 6, 5, 0, 0, 57, 16, 19, 6, 6, 8, 4,
  ])
  const basic = Buffer.from(
    'f4f3f2f10d0002aa025100000000 3b000055 00f8f7f6f5'.replace(/ /g, ''),
    'hex',
  )
  const [one] = rowsOf('ld2410', basic, 18)
  expect(one?.[9]).toBeCloseTo(0.59, 6)
  expect(rowsOf('ld2410', engineering)[0]).toHaveLength(64)
})

test('a sweep is a row with as many points as are wanted', () => {
  const sweep = textBytes('100000 -8.00e+01 0', '200000 -1.00e+02 0', '300000 -1.20e+02 0')
  const bytes = Buffer.concat([sweep, Buffer.from('ch> ')])
  expect([...(rowsOf('tinysa', bytes, 3)[0] ?? [])].map(v => v.toFixed(2))).toEqual([
    '0.40',
    '0.20',
    '0.00',
  ])
  expect(rowsOf('tinysa', bytes, 5)[0]?.[1]).toBeCloseTo(0.3, 6)
})

test('a modem gives a row an answer, of all that it has said', () => {
  const rows = rowsOf('at-modem', textBytes('+CSQ: 20,99', '+CESQ: 99,99,255,255,20,50'))
  expect(rows.map(row => [...row].map(value => value.toFixed(2)))).toEqual([
    ['0.67', '0.00', '0.00', '0.00'],
    ['0.67', '0.49', '0.50', '0.00'],
  ])
})

test('docs/reference/sensor-drivers.md says of every driver what its rows are', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/sensor-drivers.md'), 'utf8')
  for (const [name, driver] of Object.entries(SERIAL_DRIVERS)) {
    const { rowValues, isFixed, rowMeaning } = driver
    const width = isFixed ? `${rowValues}` : `${rowValues}, configurable`
    expect(page).toContain(`| \`${name}\` | ${width} | ${rowMeaning} |`)
  }
})
