import type { AgentConfig } from '../config/agent-schema.ts'
import type { LinkFigures, SensingFigures } from '../protocol/urp.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { PartStack } from '../runtime/shutdown.ts'
import type { CostLedger } from './cost/cost-ledger.ts'
import { ChannelWatch } from './radio/channel-watch.ts'
import { openRadios } from './radio/open-radios.ts'
import type { Radio } from './radio/radio.ts'
import { openSensors } from './sensors/open-sensors.ts'
import type { Sensor } from './sensors/sensor.ts'
import type { SensorChange } from './sensors/sensor-watch.ts'
import { CellWatch } from './sensors/serial/cell-watch.ts'

/** What is attached to the board, as the URP tells of it. */
export interface Attached {
  readonly radios: readonly Radio[]
  readonly sensors: readonly Sensor[]
  /** Of the sensors that are there, what they deliver and what their data look like. */
  sensing(): readonly SensingFigures[]
  /** The link's figures with what a modem says of its cell and Wi-Fi of its channel. */
  withAir(figures: LinkFigures | undefined, link: string): LinkFigures | undefined
  /** Calls back whenever a sensor or a radio was lost or found. */
  onChange(listener: () => void): void
}

/** Opens radios, then sensors, which may be made of them. What is not there is looked for again. */
export async function openAttached(
  config: Pick<AgentConfig, 'measure' | 'radios' | 'sensors'>,
  o: {
    readonly seed: number
    readonly clock: Clock
    readonly parts: PartStack
    readonly cost: Pick<CostLedger, 'add'>
    readonly onChange: (change: SensorChange) => void
    readonly log: Logger
  },
): Promise<Attached> {
  const listeners = new Set<() => void>()
  const onChange = (change: SensorChange): void => {
    o.onChange(change)
    for (const listener of listeners) listener()
  }
  const cell = new CellWatch(o.clock)
  const { sysRoot } = config.measure
  const channel = o.parts.add('channel', new ChannelWatch({ sysRoot, clock: o.clock }))
  await channel.start()
  const radios = await openRadios(config.radios, {
    ...o,
    onChange,
    onSpent: cpuSeconds => o.cost.add('radio', { cpuSeconds }),
  })
  const sensors = await openSensors(config.sensors, {
    ...o,
    onChange,
    radio: id => radioNamed(radios, id),
    onCell: signal => cell.add(signal),
  })
  return {
    radios,
    sensors,
    sensing: () => sensors.flatMap(sensingFigures),
    withAir: (figures, link) => {
      const [told, heard] = [cell.figures(), channel.figures]
      if (!told && !heard) return figures
      const air = { ...(told ? { cell: told } : {}), ...(heard ? { channel: heard } : {}) }
      return { ...(figures ?? { link }), ...air }
    },
    onChange: listener => listeners.add(listener),
  }
}

function radioNamed(radios: readonly Radio[], id: string): Radio {
  const radio = radios.find(one => one.id === id)
  // The schema of the configuration holds the one to the other.
  if (!radio) throw new Error(`there is no radio ${id}`)
  return radio
}

function sensingFigures(sensor: Sensor): SensingFigures[] {
  const [figures, sketch] = [sensor.figures(), sensor.sketch()]
  return figures ? [{ ...figures, ...(sketch ? { sketch } : {}) }] : []
}
