import type { AgentConfig } from '../../config/agent-schema.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Sensor } from './sensor.ts'
import { TextFolderSensor } from './text-folder-sensor.ts'

export type SensorConfig = AgentConfig['sensors'][number]

export interface SensorContext {
  readonly seed: number
  readonly clock: Clock
  readonly log: Logger
  /** To be called when the status of the sensor changed by itself: see sensor-watch.ts. */
  readonly onChange: () => void
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
}

export function createSensor(config: SensorConfig, context: SensorContext): Sensor {
  return DRIVERS[config.kind](config, context)
}
