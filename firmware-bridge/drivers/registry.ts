import { atModemDecoder } from './at-modem.ts'
import { esp32CsiDecoder } from './esp32-csi.ts'
import { gnssDecoder } from './gnss.ts'
import { ld2410Decoder } from './ld2410.ts'
import type { StreamDecoder } from './stream-decoder.ts'
import { tiMmwaveDecoder } from './ti-mmwave.ts'
import { tinySaDecoder } from './tinysa.ts'

export interface SerialDriver {
  readonly senses: string
  /** Of the port that readings come from, as it leaves the factory. */
  readonly baudRate: number
  readonly decoder: () => StreamDecoder<unknown>
}

/** A new driver is a file here, a line below and a capture as its test. */
export const SERIAL_DRIVERS = {
  'at-modem': { senses: 'cellular signal', baudRate: 115_200, decoder: atModemDecoder },
  'esp32-csi': { senses: 'WiFi channel state', baudRate: 921_600, decoder: esp32CsiDecoder },
  gnss: { senses: 'position and time', baudRate: 9600, decoder: gnssDecoder },
  ld2410: { senses: 'presence, by radar', baudRate: 256_000, decoder: ld2410Decoder },
  'ti-mmwave': { senses: 'points, by radar', baudRate: 921_600, decoder: tiMmwaveDecoder },
  tinysa: { senses: 'spectrum', baudRate: 115_200, decoder: tinySaDecoder },
} as const satisfies Readonly<Record<string, SerialDriver>>

export type SerialDriverName = keyof typeof SERIAL_DRIVERS
