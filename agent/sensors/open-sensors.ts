import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { PartStack } from '../../runtime/shutdown.ts'
import type { CostLedger } from '../cost/cost-ledger.ts'
import { createSensor, type SensorConfig, type SensorContext } from './registry.ts'
import type { Sensor } from './sensor.ts'
import { type SensorChange, SensorWatch } from './sensor-watch.ts'

/** Opens every configured sensor. One that cannot be opened is lost, and looked for again. */
export async function openSensors(
  configs: readonly SensorConfig[],
  o: Pick<SensorContext, 'radio' | 'onCell'> & {
    readonly seed: number
    readonly clock: Clock
    readonly parts: PartStack
    /** What programs of sensors take is counted here. */
    readonly cost?: Pick<CostLedger, 'add'>
    readonly onChange: (change: SensorChange) => void
    readonly log: Logger
  },
): Promise<readonly Sensor[]> {
  return Promise.all(
    configs.map(async (config, index) => {
      const context = {
        seed: o.seed + index,
        clock: o.clock,
        log: o.log.child({ sensor: config.id }),
      }
      const sensor = createSensor(config, {
        ...context,
        radio: o.radio,
        onCell: o.onCell,
        onChange: () => watch.changed(),
        onChildCpu: childCpuSeconds => o.cost?.add(`sensor ${config.id}`, { childCpuSeconds }),
      })
      const watch = o.parts.add(
        `sensor ${config.id}`,
        new SensorWatch({ sensor, ...context, onChange: o.onChange }),
      )
      await watch.start()
      return sensor
    }),
  )
}
