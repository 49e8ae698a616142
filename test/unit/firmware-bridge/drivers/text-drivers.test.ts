import { describe, expect, test } from 'vitest'
import { atModemDecoder } from '../../../../firmware-bridge/drivers/at-modem.ts'
import { esp32CsiDecoder } from '../../../../firmware-bridge/drivers/esp32-csi.ts'
import { tinySaDecoder } from '../../../../firmware-bridge/drivers/tinysa.ts'
import { capture, decoded, decodedInPieces } from './captures.ts'

const csi = capture('serial-captures/esp32-csi-fast.csv.gz')

describe.skipIf(!csi)('the console of an ESP32 (needs the shared data)', () => {
  const bytes = csi ?? Buffer.alloc(0)

  test('each whole line is the channel of 64 sub-carriers at 100 Hz', () => {
    const { readings, tally } = decoded(esp32CsiDecoder(), bytes)
    expect(readings).toHaveLength(1088)
    // One line of the capture was cut by the program that wrote it.
    expect(tally.dropped).toEqual({ 'count of values': 1 })
    expect(readings.every(({ values }) => values.length === 128)).toBe(true)
    const times = readings.map(({ microseconds = 0 }) => microseconds)
    const spanSeconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1e6
    expect(readings.length / spanSeconds).toBeGreaterThan(90)
    expect(readings.length / spanSeconds).toBeLessThan(110)
  })

  test('the way in which the line cuts the bytes changes nothing', () => {
    const part = bytes.subarray(0, 30_000)
    expect(decodedInPieces(esp32CsiDecoder(), part)).toEqual(decoded(esp32CsiDecoder(), part))
  })

  test('read at the wrong speed it is noise, and soon over', () => {
    const halved = bytes.subarray(0, 50_000).map((byte, index) => (byte << 1) ^ (index & 0xff))
    const { readings, tally } = decoded(esp32CsiDecoder(), halved)
    expect(readings).toHaveLength(0)
    expect(tally.noiseBytes).toBeGreaterThan(25_000)
  })
})

describe('a line of channel state', () => {
  const header = 'type,id,mac,rssi,len,first_word,data\n'

  test('of another tool is read by its own header line', () => {
    const text = `${header}CSI_DATA,7,aa:bb,-40,4,0,"[1,-2,3,-128]"\n`
    expect(decoded(esp32CsiDecoder(), Buffer.from(text)).readings).toEqual([
      { mac: 'aa:bb', rssiDbm: -40, values: Int8Array.of(1, -2, 3, -128) },
    ])
  })

  test.each([
    ['value beyond 8 bits', 'CSI_DATA,7,aa:bb,-40,2,0,"[1,200]"'],
    ['count of values', 'CSI_DATA,7,aa:bb,-40,3,0,"[1,2]"'],
    ['count of columns', 'CSI_DATA,7,-40,2,0,"[1,2]"'],
    ['no signal strength', 'CSI_DATA,7,aa:bb,,2,0,"[1,2]"'],
    ['no list of values', 'CSI_DATA,7,aa:bb,-40,2,0,"[1,2'],
  ])('with a fault is counted: %s', (reason, line) => {
    const { readings, tally } = decoded(esp32CsiDecoder(), Buffer.from(`${header}${line}\n`))
    expect(readings).toEqual([])
    expect(tally.dropped).toEqual({ [reason]: 1 })
  })
})

describe('answers of a modem', () => {
  const answersTo = (text: string) => decoded(atModemDecoder(), Buffer.from(text))

  test('signal quality is in steps of 2 dB from -113 dBm', () => {
    expect(answersTo('AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n').readings).toEqual([
      { source: '+CSQ', rssiDbm: -73 },
    ])
  })

  test('what the modem does not know is absent, and never 0', () => {
    expect(answersTo('+CSQ: 99,99\r\n+CESQ: 99,99,255,255,255,255\r\n').readings).toEqual([
      { source: '+CSQ' },
      { source: '+CESQ' },
    ])
  })

  test('extended quality gives the levels of LTE', () => {
    expect(answersTo('+CESQ: 99,99,255,255,20,47\r\n').readings).toEqual([
      { source: '+CESQ', rsrqDb: -10, rsrpDbm: -94 },
    ])
  })

  test('the serving cell gives band, bandwidth and SINR', () => {
    const line =
      '+QENG: "servingcell","NOCONN","LTE","FDD",262,01,1A2B3C,123,1300,3,5,5,4D2,-94,-10,-63,150,12,-,20\r\n'
    expect(answersTo(line).readings).toEqual([
      {
        source: '+QENG',
        technology: 'LTE',
        band: 3,
        uplinkHz: 20e6,
        downlinkHz: 20e6,
        rsrpDbm: -94,
        rsrqDb: -10,
        rssiDbm: -63,
        sinrDb: 10,
      },
    ])
  })

  test('a level that no modem has is dropped with its answer', () => {
    expect(answersTo('+CSQ: 64,99\r\n').tally.dropped).toEqual({ '+CSQ with other fields': 1 })
  })
})

describe('a spectrum analyser', () => {
  test('a sweep is what stood between two prompts', () => {
    const text =
      'scan 433000000 434000000 3 3\r\n433000000 -9.450000e+01 0.0\r\n433500000 -6.2e+01 0.0\r\n434000000 -9.3e+01 0.0\r\nch> '
    expect(decodedInPieces(tinySaDecoder(), Buffer.from(text)).readings).toEqual([
      { frequenciesHz: [433e6, 433.5e6, 434e6], levelsDbm: [-94.5, -62, -93] },
    ])
  })

  test('a sweep that never ends is given up, and what follows is read', () => {
    const endless = '433000000 -94.5\r\n'.repeat(10_000)
    const { readings, tally } = decoded(tinySaDecoder(), Buffer.from(`${endless}ch> `))
    expect(tally.dropped).toEqual({ 'sweep without an end': 1 })
    expect(readings[0]?.levelsDbm.length).toBeLessThan(8192)
  })
})
