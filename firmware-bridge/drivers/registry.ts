import { AT_MODEM } from './at-modem.ts'
import { ESP32_CSI } from './esp32-csi.ts'
import { GNSS } from './gnss.ts'
import { LD2410 } from './ld2410.ts'
import type { SerialDriver } from './serial-driver.ts'
import { TI_MMWAVE } from './ti-mmwave.ts'
import { TINYSA } from './tinysa.ts'

/** A new driver is a file here, a line below and a capture as its test. */
export const SERIAL_DRIVERS = {
  'at-modem': AT_MODEM,
  'esp32-csi': ESP32_CSI,
  gnss: GNSS,
  ld2410: LD2410,
  'ti-mmwave': TI_MMWAVE,
  tinysa: TINYSA,
} as const satisfies Readonly<Record<string, SerialDriver>>

export type SerialDriverName = keyof typeof SERIAL_DRIVERS
