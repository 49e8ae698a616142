import type { AgentConfig } from '../../config/agent-schema.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { PartStack } from '../../runtime/shutdown.ts'
import { type SensorChange, SensorWatch } from '../sensors/sensor-watch.ts'
import { Radio, type RadioOptions } from './radio.ts'

export type RadioConfig = AgentConfig['radios'][number]

export function radioOf(config: RadioConfig, o: Pick<RadioOptions, 'clock' | 'onSpent'>): Radio {
  const { id, listenShare } = config
  return new Radio({ id, settings: config, listenShare, ...o })
}

/** Listens to every configured radio. One that is not there is lost, and looked for again. */
export async function openRadios(
  configs: readonly RadioConfig[],
  o: Pick<RadioOptions, 'clock' | 'onSpent'> & {
    readonly seed: number
    readonly clock: Clock
    readonly parts: PartStack
    readonly onChange: (change: SensorChange) => void
    readonly log: Logger
  },
): Promise<readonly Radio[]> {
  return Promise.all(
    configs.map(async (config, index) => {
      const radio = radioOf(config, o)
      const watch = o.parts.add(
        `radio ${config.id}`,
        new SensorWatch({
          sensor: radio,
          seed: o.seed + index,
          clock: o.clock,
          log: o.log.child({ radio: config.id }),
          onChange: o.onChange,
        }),
      )
      radio.onChange(() => watch.changed())
      await watch.start()
      return radio
    }),
  )
}
