import { join } from 'node:path'
import { FIGURES, readFigure } from './kernel-figure.ts'
import { whyUnread } from './kernel-file.ts'
import type { Probe } from './probe.ts'
import { writtenSi } from './written.ts'

export interface EmcValues {
  readonly frequencyHz: number
  readonly frequencyHzMax?: number
}

/** debugfs, which only root may read by default. */
const FOLDER = 'kernel/debug/bpmp/debug/clk/emc'

/** Clock of the external memory controller (EMC) of a Jetson, which its power mode caps. */
export const emcProbe: Probe<EmcValues> = {
  name: 'emc',
  durationMsMax: 2000,
  async read({ sysRoot }) {
    const discarded: string[] = []
    const read = (file: string): Promise<number | undefined> =>
      readFigure({ root: sysRoot, path: `${FOLDER}/${file}`, kind: FIGURES.hertz, discarded })
    const frequencyHz = await read('rate')
    if (frequencyHz === undefined) {
      const reason = discarded[0] ?? (await whyUnread(join(sysRoot, FOLDER, 'rate')))
      return { status: 'absent', reason }
    }
    const frequencyHzMax = await read('max_rate')
    return {
      status: 'ok',
      values: { frequencyHz, ...(frequencyHzMax === undefined ? {} : { frequencyHzMax }) },
      figures: [
        { name: 'frequency now', ...writtenSi(frequencyHz, 'Hz') },
        ...(frequencyHzMax === undefined
          ? []
          : [{ name: 'frequency max', ...writtenSi(frequencyHzMax, 'Hz') }]),
      ],
      method: 'clk/emc of the BPMP',
      discarded,
    }
  },
}
