import type { AgentConfig } from '../../config/agent-schema.ts'
import type { User } from './users.ts'

/** 'absent': there is nothing to look at, e.g. no camera. */
export type Outcome = 'ok' | 'absent' | 'warning' | 'fault'

export interface Finding {
  readonly outcome: Outcome
  /** What was found, with the values seen. */
  readonly text: string
  /** Exact command or configuration that mends it; for every warning and fault. */
  readonly remedy?: string
}

/** Where the kernel and the distribution tell of this machine; other folders in tests. */
export interface DoctorRoots {
  readonly procRoot: string
  readonly sysRoot: string
  readonly devRoot: string
  readonly etcRoot: string
  readonly runRoot: string
}

export interface DoctorContext {
  readonly config: AgentConfig
  readonly roots: DoctorRoots
  /** Who runs the agent. */
  readonly user: User
  readonly nowMs: number
  /** Ends with the deadline of the check. */
  readonly signal: AbortSignal
}

/** One subject that is looked at. A check that throws is a fault of its own and stops no other. */
export interface Check {
  readonly name: string
  readonly durationMsMax: number
  run(context: DoctorContext): Promise<readonly Finding[]>
}

export const ok = (text: string): Finding => ({ outcome: 'ok', text })
export const absent = (text: string): Finding => ({ outcome: 'absent', text })
export const warning = (text: string, remedy: string): Finding => {
  return { outcome: 'warning', text, remedy }
}
export const fault = (text: string, remedy: string): Finding => ({ outcome: 'fault', text, remedy })
