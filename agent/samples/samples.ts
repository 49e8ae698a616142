import type { AgentConfig } from '../../config/agent-schema.ts'
import type { SensingFigures } from '../../protocol/urp.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Sensor } from '../sensors/sensor.ts'
import { DeliveredRows } from './delivered-rows.ts'
import { Labelling } from './labelling.ts'
import { SampleStore } from './sample-store.ts'

/** What becomes of what sensors record: classes, a place on disk, an account of what came. */
export interface Samples {
  readonly labelling: Labelling
  readonly store: SampleStore
  readonly delivered: DeliveredRows
}

export async function openSamples(
  config: Pick<AgentConfig, 'samples' | 'labels'>,
  o: { readonly folder: string; readonly sensors: readonly Sensor[]; readonly log: Logger },
): Promise<Samples> {
  const { folder, sensors, log } = o
  return {
    labelling: new Labelling({ configs: config.labels, sensors, log }),
    store: await SampleStore.open({ folder, quotaBytes: config.samples.bytesMax, log }),
    delivered: new DeliveredRows(),
  }
}

/**
 * The sensing part of a URP, with what is known beyond the sensors' own figures: how much of it came
 * in recent rounds, whether somebody labels it, and what is stored of it.
 */
export function sensingPart(
  sensing: readonly SensingFigures[],
  { delivered, labelling, store }: Samples,
): readonly SensingFigures[] {
  return sensing.map(figures => {
    const { sensor, form } = figures
    const factor = delivered.factor(sensor)
    const sketch = store.sketch(sensor, form) ?? figures.sketch
    return {
      ...figures,
      rowsPerSecond: figures.rowsPerSecond * factor,
      bytesPerSecond: figures.bytesPerSecond * factor,
      labelled: figures.labelled || labelling.isLabelled(sensor),
      ...(sketch ? { sketch } : {}),
    }
  })
}
