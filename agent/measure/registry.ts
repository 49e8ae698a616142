import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import { computeProbe } from './compute-probe.ts'
import { cpuProbe } from './cpu-probe.ts'
import { type LinkProbeOptions, linkProbe } from './link-probe.ts'
import { memoryProbe } from './memory-probe.ts'
import type { Probe, ProbeResult } from './probe.ts'
import { thermalProbe } from './thermal-probe.ts'

/**
 * Every probe, in the order in which `gainnet measure` reads and shows them: a new one is a file
 * and a line here. What a probe needs besides the roots, it is given here.
 */
export function buildProbes({ link }: { readonly link: LinkProbeOptions }) {
  return {
    cpu: cpuProbe(),
    memory: memoryProbe,
    thermal: thermalProbe,
    compute: computeProbe({ startTrainer: options => TrainerProcess.start(options) }),
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
