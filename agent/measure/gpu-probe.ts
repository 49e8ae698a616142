import { join } from 'node:path'
import { FIGURES, readFigure } from './kernel-figure.ts'
import { readKernelNames, readKernelText, whyUnread } from './kernel-file.ts'
import type { Figure, Probe } from './probe.ts'
import { writtenShare, writtenSi } from './written.ts'

export interface GpuValues {
  /** Share of time that the GPU was at work, over the driver's own window. */
  readonly loadShare?: number
  readonly frequencyHz?: number
  readonly frequencyHzMax?: number
}

/**
 * Where the load of a Tegra's GPU is, newest release of L4T first: the node moved with each (R36,
 * R35, R32; jetson_stats issues 820 and 885, beszel issue 476).
 */
const LOAD_FILES = [
  'devices/platform/bus@0/17000000.gpu/load',
  'devices/platform/17000000.gpu/load',
  'devices/platform/17000000.ga10b/load',
  'devices/platform/17000000.gv11b/load',
  'devices/17000000.ga10b/load',
  'devices/17000000.gv11b/load',
  'devices/platform/gpu.0/load',
  'devices/gpu.0/load',
] as const

/** Names of the GPU among the devices that scale their frequency. */
const DEVFREQ_NAMES = /^(?:\d+\.(?:gpu|ga10b|gv11b|gp10b)|gpu-gpc-0)$/

/** Load and clock of a Jetson's GPU. */
export const gpuProbe: Probe<GpuValues> = {
  name: 'gpu',
  durationMsMax: 2000,
  async read({ sysRoot }) {
    const discarded: string[] = []
    const loadPath = await firstReadable(sysRoot, LOAD_FILES)
    const loadShare =
      loadPath === undefined
        ? undefined
        : await readFigure({ root: sysRoot, path: loadPath, kind: FIGURES.permille, discarded })
    const clock = await readClock({ sysRoot, discarded })
    const values: GpuValues = { ...(loadShare === undefined ? {} : { loadShare }), ...clock }
    if (Object.keys(values).length === 0) {
      const reason = discarded[0] ?? (await whyUnread(join(sysRoot, LOAD_FILES[0])))
      return { status: 'absent', reason }
    }
    return {
      status: 'ok',
      values,
      figures: figuresOf(values),
      method: loadPath === undefined ? 'devfreq' : `devfreq, ${loadPath}`,
      discarded,
    }
  },
}

async function firstReadable(
  sysRoot: string,
  paths: readonly string[],
): Promise<string | undefined> {
  for (const path of paths) {
    if ((await readKernelText(join(sysRoot, path))) !== undefined) return path
  }
  return undefined
}

async function readClock(o: {
  readonly sysRoot: string
  readonly discarded: string[]
}): Promise<Pick<GpuValues, 'frequencyHz' | 'frequencyHzMax'>> {
  const folder = 'class/devfreq'
  const names = await readKernelNames(join(o.sysRoot, folder))
  const name = names.find(each => DEVFREQ_NAMES.test(each))
  if (name === undefined) return {}
  const read = (file: string): Promise<number | undefined> =>
    readFigure({
      root: o.sysRoot,
      path: `${folder}/${name}/${file}`,
      kind: FIGURES.hertz,
      discarded: o.discarded,
    })
  const [frequencyHz, frequencyHzMax] = [await read('cur_freq'), await read('max_freq')]
  return {
    ...(frequencyHz === undefined ? {} : { frequencyHz }),
    ...(frequencyHzMax === undefined ? {} : { frequencyHzMax }),
  }
}

function figuresOf({ loadShare, frequencyHz, frequencyHzMax }: GpuValues): Figure[] {
  return [
    ...(loadShare === undefined ? [] : [{ name: 'busy', ...writtenShare(loadShare) }]),
    ...(frequencyHz === undefined
      ? []
      : [{ name: 'frequency now', ...writtenSi(frequencyHz, 'Hz') }]),
    ...(frequencyHzMax === undefined
      ? []
      : [{ name: 'frequency max', ...writtenSi(frequencyHzMax, 'Hz') }]),
  ]
}
