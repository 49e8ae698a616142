import { brokerCheck } from './broker-check.ts'
import { cameraCheck } from './camera-check.ts'
import type { Check } from './check.ts'
import { clockCheck } from './clock-check.ts'
import { diskCheck } from './disk-check.ts'
import { receiverCheck } from './receiver-check.ts'
import { runtimeCheck } from './runtime-check.ts'
import { serialCheck } from './serial-check.ts'
import { throttleCheck } from './throttle-check.ts'

/** What is looked at, in the order in which it is printed: a new check is a file and a line here. */
export const CHECKS: readonly Check[] = [
  clockCheck,
  diskCheck,
  throttleCheck,
  runtimeCheck,
  serialCheck,
  receiverCheck,
  cameraCheck,
  brokerCheck,
]
