import type { BarePattern } from './bare-pattern.ts'

/** What an agent process is told at its start. */
export interface AgentSetup {
  readonly agentId: string
  readonly bareId: string
  readonly site: string
  readonly url: string
  readonly password: string
  readonly stateDirectory: string
  readonly seed: number
  readonly pattern: BarePattern
}

/** What it says back, once. */
export type AgentReport =
  | { readonly status: 'ready' }
  | { readonly status: 'failed'; readonly reason: string }
