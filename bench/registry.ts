import { agentIdle } from './agent-idle.ts'
import type { Bench } from './bench-report.ts'
import { roundOverhead } from './round-overhead.ts'

/** Every bench there is. A new one is a file and a line. */
export const BENCHES: readonly Bench[] = [agentIdle, roundOverhead]
