import type { Clock } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { PartStack } from '../../runtime/shutdown.ts'
import { createSensor, type SensorConfig } from './registry.ts'
import type { Sensor } from './sensor.ts'

/** Opens every configured sensor. One that cannot be opened is lost, and looked for again later. */
export async function openSensors(
  configs: readonly SensorConfig[],
  o: {
    readonly seed: number
    readonly clock: Clock
    readonly parts: PartStack
    readonly log: Logger
  },
): Promise<readonly Sensor[]> {
  return Promise.all(
    configs.map(async (config, index) => {
      const log = o.log.child({ sensor: config.id })
      const sensor = createSensor(config, { seed: o.seed + index, clock: o.clock, log })
      o.parts.add(`sensor ${config.id}`, { stop: () => sensor.close() })
      try {
        await sensor.open()
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'sensor cannot be opened')
      }
      return sensor
    }),
  )
}
