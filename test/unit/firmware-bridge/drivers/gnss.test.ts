import { describe, expect, test } from 'vitest'
import { gnssDecoder } from '../../../../firmware-bridge/drivers/gnss.ts'
import type { GnssFix } from '../../../../firmware-bridge/drivers/gnss-fix.ts'
import { capture, decoded, decodedInPieces } from './captures.ts'

const ublox = capture('serial-captures/ublox-neo-m8l.log')
const quectel = capture('serial-captures/quectel-l76k-nmea.log')

interface GpsdReport {
  readonly time: string
  readonly lat: number
  readonly lon: number
}

/** What gpsd says of the same bytes: an independent answer. Several messages may be of one time. */
function gpsdReports(name: string): readonly GpsdReport[] {
  const lines = capture(`serial-captures/${name}.log.chk.gz`)?.toString('latin1').split('\n') ?? []
  const reports = lines.filter(line => line.startsWith('{"class":"TPV"'))
  return reports.map((line): GpsdReport => JSON.parse(line))
}

/** Metres on the ground, near enough over a few metres. */
function metresBetween({ latitude = 0, longitude = 0 }: GnssFix, { lat, lon }: GpsdReport): number {
  const metresPerDegree = 111_195
  const east = (longitude - lon) * Math.cos((lat * Math.PI) / 180)
  return Math.hypot(latitude - lat, east) * metresPerDegree
}

describe.skipIf(!ublox || !quectel)('captures of receivers (needs the shared data)', () => {
  test.each([
    ['ublox-neo-m8l', ublox, 180],
    ['quectel-l76k-nmea', quectel, 150],
  ])('%s says where and when as gpsd understands it', (name, bytes = Buffer.alloc(0), fixesMin) => {
    const reports = gpsdReports(name)
    const fixes = decoded(gnssDecoder(), bytes).readings.filter(({ utc, latitude }) => {
      return latitude !== undefined && reports.some(({ time }) => time === utc)
    })
    expect(fixes.length).toBeGreaterThanOrEqual(fixesMin)
    for (const fix of fixes) {
      const sameTime = reports.filter(({ time }) => time === fix.utc)
      expect(Math.min(...sameTime.map(report => metresBetween(fix, report)))).toBeLessThan(0.5)
    }
  })

  test('the way in which the line cuts the bytes changes nothing', () => {
    const bytes = (ublox ?? Buffer.alloc(0)).subarray(0, 20_000)
    expect(decodedInPieces(gnssDecoder(), bytes)).toEqual(decoded(gnssDecoder(), bytes))
  })

  test('a flipped bit costs one message', () => {
    const bytes = quectel ?? Buffer.alloc(0)
    const whole = decoded(gnssDecoder(), bytes).readings.length
    for (const at of [2000, 31_415, 90_001]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      const { readings } = decoded(gnssDecoder(), damaged)
      expect(readings.length).toBeGreaterThanOrEqual(whole - 1)
    }
  })
})

const RMC = '$GNRMC,055234.000,A,4739.71890,N,12219.58362,W,1.00,286.35,050826,,,A,V*12\r\n'

describe('sentences', () => {
  test('RMC gives place, time, speed and course', () => {
    expect(decoded(gnssDecoder(), Buffer.from(RMC)).readings).toEqual([
      {
        source: 'RMC',
        isValid: true,
        utc: '2026-08-05T05:52:34.000Z',
        latitude: expect.closeTo(47.661982, 6),
        longitude: expect.closeTo(-122.326394, 6),
        // A knot is 1852 m an hour.
        speedMetresPerSecond: expect.closeTo(1852 / 3600, 3),
        courseDegrees: 286.35,
      },
    ])
  })

  test('no time of day is dated by the day on which it is read', () => {
    const gga = '$GNGGA,055234.200,4739.71890,N,12219.58362,W,1,14,0.9,76.5,M,-21.6,M,,*4A\r\n'
    const [fix] = decoded(gnssDecoder(), Buffer.from(gga)).readings
    expect(fix).toMatchObject({ altitudeMetres: 76.5, satellitesUsed: 14, hdop: 0.9 })
    expect(fix).not.toHaveProperty('utc')
  })

  test('a receiver without a fix leaves the place absent, and never 0', () => {
    const empty = '$GPRMC,,V,,,,,,,,,,N*53\r\n'
    expect(decoded(gnssDecoder(), Buffer.from(empty)).readings).toEqual([
      { source: 'RMC', isValid: false },
    ])
  })

  test.each([
    ['a wrong checksum', RMC.replace('*12', '*13'), 'NMEA checksum'],
    ['no checksum', RMC.replace('*12', ''), 'NMEA without checksum'],
    [
      'a sentence in which the next begins',
      `${RMC.slice(0, 30)}${RMC}`,
      'NMEA sentence broken off',
    ],
    ['a line without end', `$GP${'A'.repeat(400)}`, 'NMEA sentence too long'],
  ])('%s is counted by name', (_name, text, reason) => {
    expect(decoded(gnssDecoder(), Buffer.from(text)).tally.dropped).toMatchObject({ [reason]: 1 })
  })

  test('after an hour of noise the next sentence is found, and little is kept', () => {
    const decoder = gnssDecoder()
    const noise = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 37) % 256))
    for (let part = 0; part < 100; part++) decoder.push(noise)
    expect(decoder.push(Buffer.from(`\r\n${RMC}`))).toHaveLength(1)
  })
})
