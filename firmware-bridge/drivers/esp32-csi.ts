import { type Row, resampled, serialDriver } from './serial-driver.ts'
import { type Look, StreamDecoder } from './stream-decoder.ts'
import { firstLine } from './text-lines.ts'

const LINE_BYTES_MAX = 8192
const MARK = 'CSI_DATA'
/** 256 sub-carriers of a 40 MHz channel, two values each, with those of three training fields. */
const VALUES_MAX = 1024

/** Columns of ESP32-CSI-Tool (Hernandez and Bulut 2020), where no header line says otherwise. */
const COLUMNS =
  'type,role,mac,rssi,rate,sig_mode,mcs,bandwidth,smoothing,not_sounding,aggregation,stbc,fec_coding,sgi,noise_floor,ampdu_cnt,channel,secondary_channel,local_timestamp,ant,sig_len,rx_state,real_time_set,real_timestamp,len,CSI_DATA'

/** Channel state of one received packet. */
export interface ChannelState {
  readonly mac: string
  readonly rssiDbm: number
  readonly noiseFloorDbm?: number
  readonly channel?: number
  /** Of the ESP32's own clock. */
  readonly microseconds?: number
  /** Imaginary and real part of each sub-carrier, in turn (esp_wifi_types.h, wifi_csi_info_t). */
  readonly values: Int8Array
}

/** Lines that the CSI tools for the ESP32 print on its console, with or without a header line. */
export function esp32CsiDecoder(): StreamDecoder<ChannelState> {
  let columns = COLUMNS.split(',')
  const look = (bytes: Buffer): Look<ChannelState> => {
    const line = firstLine(bytes, LINE_BYTES_MAX)
    if ('is' in line) return line
    if (line.text.startsWith('type,')) {
      columns = line.text.split(',')
      return { is: 'other', bytes: line.bytes, name: 'header' }
    }
    if (!line.text.startsWith(`${MARK},`)) {
      return { is: 'other', bytes: line.bytes, name: 'console text' }
    }
    const reading = stateOf(line.text, columns)
    return typeof reading === 'string'
      ? { is: 'dropped', bytes: line.bytes, reason: reading }
      : { is: 'reading', bytes: line.bytes, name: 'channel state', reading }
  }
  return new StreamDecoder({ look, messageBytesMax: LINE_BYTES_MAX })
}

/** Or what is wrong with the line. */
function stateOf(text: string, columns: readonly string[]): ChannelState | string {
  const parts = /^(.*?),"?\[([-\d ,]*)\]"?$/.exec(text)
  if (!parts) return 'no list of values'
  const [, head = '', list = ''] = parts
  const cells = head.split(',')
  if (cells.length !== columns.length - 1) return 'count of columns'
  const cell = new Map(columns.map((column, index) => [column, cells[index] ?? '']))
  const number = (column: string): number | undefined => {
    const written = cell.get(column)
    const value = Number(written)
    return written === undefined || written === '' || !Number.isFinite(value) ? undefined : value
  }
  const values = list.split(/[ ,]+/).filter(written => written !== '')
  if (values.length !== number('len') || values.length > VALUES_MAX) return 'count of values'
  const numbers = values.map(Number)
  if (!numbers.every(value => Number.isInteger(value) && value >= -128 && value <= 127)) {
    return 'value beyond 8 bits'
  }
  const rssiDbm = number('rssi')
  if (rssiDbm === undefined) return 'no signal strength'
  const optional = {
    noiseFloorDbm: number('noise_floor'),
    channel: number('channel'),
    microseconds: number('local_timestamp'),
  }
  return {
    mac: cell.get('mac') ?? '',
    rssiDbm,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    values: Int8Array.from(numbers),
  }
}

/** Sub-carriers of the legacy training field, which comes first and is in every packet. */
const SUB_CARRIERS = 64
/** Greatest part of an amplitude: values are signed bytes. */
const AMPLITUDE_UNIT = 128

export const ESP32_CSI = serialDriver({
  senses: 'WiFi channel state',
  baudRate: 921_600,
  decoder: esp32CsiDecoder,
  rowMeaning:
    'amplitude of each sub-carrier in 128, from the lowest frequency up: 64 are all of a channel of 20 MHz, 52 those that carry something',
  rows: count => state => amplitudeRow(state, count),
})

/** Sub-carriers come as 0 to 31, then -32 to -1 (ESP-IDF, Wi-Fi channel state information). */
function amplitudeRow({ values }: ChannelState, count: number): Row {
  const pairs = Math.min(SUB_CARRIERS, values.length >> 1)
  const half = pairs >> 1
  const amplitudes = Array.from({ length: pairs }, (_, index) => {
    const at = 2 * ((index + half) % pairs)
    return Math.hypot(values[at] ?? 0, values[at + 1] ?? 0) / AMPLITUDE_UNIT
  })
  return resampled(pairs === count ? amplitudes : usedOf(amplitudes), count)
}

/** -26 to -1 and 1 to 26 (IEEE 802.11-2020, 17.3.5.10): the others are guard, and the carrier. */
function usedOf(amplitudes: readonly number[]): readonly number[] {
  return amplitudes.length === SUB_CARRIERS
    ? [...amplitudes.slice(6, 32), ...amplitudes.slice(33, 59)]
    : amplitudes
}
