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
