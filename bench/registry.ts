import { accuracy } from './accuracy.ts'
import { agentIdle } from './agent-idle.ts'
import type { Bench } from './bench-report.ts'
import { compute } from './compute.ts'
import { firmwareLink } from './firmware-link.ts'
import { forecast } from './forecast.ts'
import { link } from './link.ts'
import { orchestrate } from './orchestrate.ts'
import { roundOverhead } from './round-overhead.ts'
import { slots } from './slots.ts'
import { spectrum } from './spectrum.ts'
import { training } from './training.ts'
import { trainingKernels } from './training-kernels.ts'

/** Every bench there is. A new one is a file and a line. */
export const BENCHES: readonly Bench[] = [
  accuracy,
  agentIdle,
  compute,
  firmwareLink,
  forecast,
  orchestrate,
  link,
  roundOverhead,
  slots,
  spectrum,
  training,
  trainingKernels,
]
