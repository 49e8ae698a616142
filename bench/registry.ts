import { accuracy } from './accuracy.ts'
import { agentIdle } from './agent-idle.ts'
import type { Bench } from './bench-report.ts'
import { forecast } from './forecast.ts'
import { roundOverhead } from './round-overhead.ts'
import { training } from './training.ts'
import { trainingKernels } from './training-kernels.ts'

/** Every bench there is. A new one is a file and a line. */
export const BENCHES: readonly Bench[] = [
  accuracy,
  agentIdle,
  forecast,
  roundOverhead,
  training,
  trainingKernels,
]
