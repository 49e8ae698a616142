import { accuracy } from './accuracy.ts'
import { agentIdle } from './agent-idle.ts'
import type { Bench } from './bench-report.ts'
import { camera } from './camera.ts'
import { compute } from './compute.ts'
import { firmwareLink } from './firmware-link.ts'
import { forecast } from './forecast.ts'
import { link } from './link.ts'
import { orchestrate } from './orchestrate.ts'
import { power } from './power.ts'
import { roundOverhead } from './round-overhead.ts'
import { sensorLoss } from './sensor-loss.ts'
import { slots } from './slots.ts'
import { spectrum } from './spectrum.ts'
import { training } from './training.ts'
import { trainingKernels } from './training-kernels.ts'
import { zeros } from './zeros.ts'

/** Every bench there is. A new one is a file and a line. */
export const BENCHES: readonly Bench[] = [
  accuracy,
  agentIdle,
  camera,
  compute,
  firmwareLink,
  forecast,
  orchestrate,
  link,
  power,
  roundOverhead,
  sensorLoss,
  slots,
  spectrum,
  training,
  trainingKernels,
  zeros,
]
