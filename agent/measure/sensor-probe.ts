import { formText, rowBytesOf } from '../../protocol/row-form.ts'
import type { SensingFigures } from '../../protocol/urp.ts'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type RadioConfig, radioOf } from '../radio/open-radios.ts'
import type { Radio } from '../radio/radio.ts'
import { createSensor, type SensorConfig } from '../sensors/registry.ts'
import { rowCount } from '../sensors/sensor.ts'
import type { Figure, Probe } from './probe.ts'
import { writtenNumber, writtenShare, writtenSi } from './written.ts'

/** For opening the source and what it tries by itself, beside the recording. */
const OPENING_MS_MAX = 30_000
/** A recording of this command is thrown away: more than a fast sensor gives in a minute. */
const BYTES_MAX = 256 * 2 ** 20

/** Opens a configured sensor, records for some seconds and says what was delivered and dropped. */
export function sensorProbe(
  config: SensorConfig,
  o: {
    readonly seconds: number
    /** Those of the configuration, which a sensor may be made of. */
    readonly radios: readonly RadioConfig[]
    readonly log: Logger
    readonly clock?: Clock
  },
): Probe<SensingFigures> {
  const { seconds, log, clock = systemClock } = o
  return {
    name: config.id,
    durationMsMax: OPENING_MS_MAX + seconds * 1000,
    async read({ signal, spend }) {
      const radios: Radio[] = []
      const nobody = (): void => undefined
      const sensor = createSensor(config, {
        ...{ seed: 1, clock, log, onChange: nobody, onCell: nobody },
        onChildCpu: childCpuSeconds => spend?.({ childCpuSeconds }),
        radio: id => {
          const named = o.radios.find(one => one.id === id)
          if (!named) throw new Error(`there is no radio ${id}`)
          const radio = radioOf(named, { clock, onSpent: nobody })
          radios.push(radio)
          return radio
        },
      })
      try {
        await sensor.open()
        const startedMs = clock.now()
        const untilMs = startedMs + seconds * 1000
        const { segments, droppedRows } = await sensor.record({
          untilMs,
          rowsMax: Math.ceil(BYTES_MAX / rowBytesOf(sensor.form)),
          signal,
        })
        const values = sensor.figures()
        if (!values) return { status: 'absent', reason: 'it was lost while it was recorded' }
        const recordedSeconds = (clock.now() - startedMs) / 1000
        const method = `${sensor.senses}, recorded for ${writtenNumber(recordedSeconds)} s`
        const common = figuresOf(values, { rows: rowCount({ segments }), droppedRows })
        const figures = [...common, ...(sensor.extraFigures?.() ?? [])]
        return { status: 'ok', values, figures, method, explanation: EXPLANATION }
      } finally {
        await sensor.close()
        for (const radio of radios) await radio.close()
      }
    },
  }
}

const EXPLANATION = { samples: 1, sampleIs: 'recording', discarded: [] }

function figuresOf(
  { rowsPerSecond, form, bytesPerSecond, dropShare, resourceBlocks }: SensingFigures,
  recorded: { readonly rows: number; readonly droppedRows: number },
): Figure[] {
  const whole = (value: number, unit: string) => ({
    value: String(value),
    unit,
    base: { value, unit },
  })
  return [
    { name: 'delivered', ...writtenSi(bytesPerSecond, 'B/s') },
    { name: 'rows', ...writtenSi(rowsPerSecond, '/s') },
    { name: 'dropped', ...writtenShare(dropShare) },
    { name: 'recorded', ...whole(recorded.rows, formText(form)) },
    { name: 'lost in the recording', ...whole(recorded.droppedRows, formText(form)) },
    { name: 'resource blocks a slot', ...whole(resourceBlocks, '') },
  ]
}
