import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import { computeProbe } from './compute/compute-probe.ts'
import type { ComputeExtent } from './compute/compute-values.ts'
import { cpuProbe } from './cpu-probe.ts'
import { emcProbe } from './emc-probe.ts'
import { gpuProbe } from './gpu-probe.ts'
import { type LinkProbeOptions, linkProbe } from './link/link-probe.ts'
import { memoryProbe } from './memory-probe.ts'
import { networkProbe } from './network-probe.ts'
import { powerModeProbe } from './power-mode-probe.ts'
import { powerProbe } from './power-probe.ts'
import { pressureProbe } from './pressure-probe.ts'
import type { Probe, ProbeResult } from './probe.ts'
import { thermalProbe } from './thermal-probe.ts'
import { throttleProbe } from './throttle-probe.ts'

/**
 * Every probe, in the order in which `gainnet measure` reads and shows them: a new one is a file
 * and a line here. What a probe needs besides the roots, it is given here.
 */
export function buildProbes({
  link,
  filesRoot = '/',
  computeExtent,
}: {
  readonly link: LinkProbeOptions
  /** Where files outside of /proc and /sys are looked for. */
  readonly filesRoot?: string
  /** Where left out, short at the first reading and full from then on. */
  readonly computeExtent?: ComputeExtent
}) {
  return {
    cpu: cpuProbe(),
    memory: memoryProbe,
    pressure: pressureProbe,
    thermal: thermalProbe,
    throttle: throttleProbe,
    power: powerProbe,
    powerMode: powerModeProbe({ filesRoot }),
    gpu: gpuProbe,
    emc: emcProbe,
    network: networkProbe,
    compute: computeProbe({
      startTrainer: options => TrainerProcess.start(options),
      ...(computeExtent ? { extent: computeExtent } : {}),
    }),
    link: linkProbe(link),
  } as const
}

export type Probes = ReturnType<typeof buildProbes>
export type ProbeName = keyof Probes
type ValuesOf<P> = P extends Probe<infer Values> ? Values : never

/** The newest result of each probe that has been read. */
export type ProbeResults = {
  readonly [Name in ProbeName]?: ProbeResult<ValuesOf<Probes[Name]>>
}
