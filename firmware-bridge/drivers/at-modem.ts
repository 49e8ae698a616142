import { serialDriver } from './serial-driver.ts'
import { type Look, StreamDecoder } from './stream-decoder.ts'
import { firstLine } from './text-lines.ts'

const LINE_BYTES_MAX = 1024

/** What a modem says of the cell that it is served by; what it does not know is absent. */
export interface CellSignal {
  /** The answer that it is from, e.g. '+CSQ'. */
  readonly source: string
  readonly technology?: string
  readonly band?: number
  readonly rssiDbm?: number
  readonly rsrpDbm?: number
  readonly rsrqDb?: number
  readonly sinrDb?: number
  readonly downlinkHz?: number
  readonly uplinkHz?: number
}

/** Answers of a cellular modem to AT+CSQ, AT+CESQ (3GPP TS 27.007) and AT+QENG (Quectel). */
export function atModemDecoder(): StreamDecoder<CellSignal> {
  const look = (bytes: Buffer): Look<CellSignal> => {
    const line = firstLine(bytes, LINE_BYTES_MAX)
    if ('is' in line) return line
    const answer = /^(\+\w+): *(.*)$/.exec(line.text.trim())
    const [name, list] = [answer?.[1] ?? 'text', answer?.[2] ?? '']
    const read = ANSWERS.get(name)
    if (!read) return { is: 'other', bytes: line.bytes, name }
    const reading = read(list.split(',').map(cell => unquoted(cell.trim())))
    if (reading === 'other') return { is: 'other', bytes: line.bytes, name }
    return reading === null
      ? { is: 'dropped', bytes: line.bytes, reason: `${name} with other fields` }
      : { is: 'reading', bytes: line.bytes, name, reading: { source: name, ...known(reading) } }
  }
  return new StreamDecoder({ look, messageBytesMax: LINE_BYTES_MAX })
}

/** A row an answer, of what the modem has said so far; 0 for what it has not. */
export const AT_MODEM = serialDriver({
  senses: 'cellular signal',
  baudRate: 115_200,
  decoder: atModemDecoder,
  rowMeaning: 'RSSI and RSRP over -140 dBm in 100 dB, RSRQ over -20 dB in 20 dB, SINR in 30 dB',
  rowValues: 4,
  isFixed: true,
  asks: () => ({
    lines: ['AT+CSQ\r', 'AT+CESQ\r', 'AT+QENG="servingcell"\r'],
    everyMs: 500,
  }),
  rows: () => {
    let heard: Partial<CellSignal> = {}
    return signal => {
      heard = { ...heard, ...signal }
      const { rssiDbm = -140, rsrpDbm = -140, rsrqDb = -20, sinrDb = 0 } = heard
      return Float32Array.of(
        (rssiDbm + 140) / 100,
        (rsrpDbm + 140) / 100,
        (rsrqDb + 20) / 20,
        sinrDb / 30,
      )
    }
  },
})

type Fields = {
  readonly [Field in Exclude<keyof CellSignal, 'source'>]?: CellSignal[Field] | undefined
}

const ANSWERS: ReadonlyMap<string, (cells: readonly string[]) => Fields | 'other' | null> = new Map(
  Object.entries({ '+CSQ': readCsq, '+CESQ': readCesq, '+QENG': readServingCell }),
)

/** TS 27.007, 8.5: 0 to 31 in steps of 2 dB from -113 dBm, 99 is not known. */
function readCsq(cells: readonly string[]): Fields | null {
  const rssi = level(cells[0], { greatest: 31, unknown: 99 })
  return rssi === null ? null : { rssiDbm: rssi === undefined ? undefined : 2 * rssi - 113 }
}

/** TS 27.007, 8.69: <rxlev>,<ber>,<rscp>,<ecno>,<rsrq>,<rsrp>; the levels of TS 36.133. */
function readCesq(cells: readonly string[]): Fields | null {
  if (cells.length < 6) return null
  const rsrq = level(cells[4], { greatest: 34, unknown: 255 })
  const rsrp = level(cells[5], { greatest: 97, unknown: 255 })
  if (rsrq === null || rsrp === null) return null
  return {
    rsrqDb: rsrq === undefined ? undefined : rsrq / 2 - 20,
    rsrpDbm: rsrp === undefined ? undefined : rsrp - 141,
  }
}

/** LTE channel bandwidths in the order of their index (TS 36.101, 5.6). */
const BANDWIDTHS_HZ = [1.4e6, 3e6, 5e6, 10e6, 15e6, 20e6]

/**
 * +QENG: "servingcell",state,"LTE",duplex,mcc,mnc,cell,pcid,earfcn,band,ul,dl,tac,rsrp,rsrq,rssi,sinr,…
 * (Quectel EC2x&EG9x QENG). SINR is in fifths of a dB from -20 dB on.
 */
function readServingCell(cells: readonly string[]): Fields | 'other' | null {
  if (cells[0] !== 'servingcell' || cells[2] !== 'LTE') return 'other'
  if (cells.length < 17) return null
  const sinr = whole(cells[16])
  return {
    technology: 'LTE',
    band: whole(cells[9]),
    uplinkHz: BANDWIDTHS_HZ[whole(cells[10]) ?? -1],
    downlinkHz: BANDWIDTHS_HZ[whole(cells[11]) ?? -1],
    rsrpDbm: whole(cells[13]),
    rsrqDb: whole(cells[14]),
    rssiDbm: whole(cells[15]),
    sinrDb: sinr === undefined || sinr < 0 || sinr > 250 ? undefined : sinr / 5 - 20,
  }
}

/** Undefined where the modem does not know it, null where it is no level. */
function level(
  cell: string | undefined,
  { greatest, unknown }: { readonly greatest: number; readonly unknown: number },
): number | undefined | null {
  const value = whole(cell)
  if (value === unknown) return undefined
  return value === undefined || value < 0 || value > greatest ? null : value
}

function unquoted(cell: string): string {
  return cell.startsWith('"') && cell.endsWith('"') ? cell.slice(1, -1) : cell
}

function whole(cell = ''): number | undefined {
  return /^-?\d{1,9}$/.test(cell) ? Number(cell) : undefined
}

function known(fields: Fields): Omit<CellSignal, 'source'> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
