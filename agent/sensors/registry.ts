import type { AgentConfig } from '../../config/agent-schema.ts'
import { AT_MODEM, type CellSignal } from '../../firmware-bridge/drivers/at-modem.ts'
import { SERIAL_DRIVERS } from '../../firmware-bridge/drivers/registry.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { cameraAskedOf } from '../camera/camera-asked.ts'
import type { Radio } from '../radio/radio.ts'
import { CameraSensor } from './camera-sensor.ts'
import { FirmwareSensor } from './firmware/firmware-sensor.ts'
import { ReplaySensor } from './replay/replay-sensor.ts'
import type { Sensor } from './sensor.ts'
import { SerialSensor } from './serial/serial-sensor.ts'
import { SpectrumSensor } from './spectrum/spectrum-sensor.ts'
import { TextFolderSensor } from './text-folder-sensor.ts'

export type SensorConfig = AgentConfig['sensors'][number]

export interface SensorContext {
  readonly seed: number
  readonly clock: Clock
  readonly log: Logger
  /** To be called when the status of the sensor changed by itself: see sensor-watch.ts. */
  readonly onChange: () => void
  /** CPU seconds that programs of the sensor took since the last call. */
  readonly onChildCpu?: (seconds: number) => void
  /** A radio of the configuration, which says that it has one of this id. */
  readonly radio: (id: string) => Radio
  /** What a cellular modem says of its cell, for the link part of the URP. */
  readonly onCell: (signal: CellSignal) => void
}

/** A new kind of sensor is a schema in config/, a file here and a line below. */
const DRIVERS: {
  readonly [Kind in SensorConfig['kind']]: (
    config: Extract<SensorConfig, { kind: Kind }>,
    context: SensorContext,
  ) => Sensor
} = {
  'text-folder': ({ id, path, bytesPerSecond }, context) =>
    new TextFolderSensor({ id, path, bytesPerSecond, ...context }),
  replay: (config, { clock }) => new ReplaySensor({ ...config, clock }),
  camera: (config, context) =>
    new CameraSensor({ id: config.id, ...cameraAskedOf(config), ...context }),
  serial: ({ driver, ...config }, context) =>
    new SerialSensor({
      ...config,
      ...context,
      kind: driver,
      driver: SERIAL_DRIVERS[driver],
      reader:
        driver === 'at-modem'
          ? rowValues => AT_MODEM.reader(rowValues, context.onCell)
          : SERIAL_DRIVERS[driver].reader,
    }),
  firmware: (config, context) => new FirmwareSensor({ ...config, ...context }),
  spectrum: ({ id, radio, measures }, context) =>
    new SpectrumSensor({ id, measures, ...context, radio: context.radio(radio) }),
}

export function createSensor(config: SensorConfig, context: SensorContext): Sensor {
  // The row of a kind takes the configuration of that kind; TypeScript loses it in the union.
  const create = DRIVERS[config.kind] as (config: SensorConfig, context: SensorContext) => Sensor
  return create(config, context)
}
