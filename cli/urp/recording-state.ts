import type { Urp } from '../../protocol/urp.ts'

export type Verdict = 'new' | 'known' | 'stale' | 'over'

/** Which of the URPs that come are recorded, and when the wanted rounds are complete. Pure. */
export class RecordingState {
  readonly #roundsMax: number
  readonly #newest = new Map<string, { session: number; sequence: number }>()
  readonly #agents = new Set<string>()
  readonly #rounds = new Set<number>()
  #urps = 0
  #stale = 0
  /** The round that runs, as the controller's clock says; undefined where there is none. */
  #running: number | undefined
  #first: number | undefined

  constructor({ roundsMax = Number.POSITIVE_INFINITY }: { readonly roundsMax?: number } = {}) {
    this.#roundsMax = roundsMax
  }

  get counts() {
    return { urps: this.#urps, rounds: this.#rounds.size, agents: this.#agents.size }
  }

  /** Left on the broker by agents that had no part in the rounds that were recorded. */
  get staleCount(): number {
    return this.#stale
  }

  /** The controller has begun a round: the URPs of those before have all come. */
  clock(crId: number): 'over' | 'running' {
    this.#running = crId
    return this.#isOver(crId) ? 'over' : 'running'
  }

  take(agentId: string, urp: Urp): Verdict {
    const newest = this.#newest.get(agentId)
    // A retained message comes again with each connect.
    if (newest && !isAfter(urp, newest)) return 'known'
    this.#newest.set(agentId, { session: urp.session, sequence: urp.sequence })
    if (urp.crId < (this.#running ?? 0)) {
      this.#stale += 1
      return 'stale'
    }
    if (this.#isOver(urp.crId)) return 'over'
    this.#first ??= urp.crId
    return 'new'
  }

  /** Is in the file already: the broker still keeps the last one of each agent. */
  skip(agentId: string, { session, sequence }: Urp): void {
    this.#newest.set(agentId, { session, sequence })
  }

  written(agentId: string, { crId }: Urp): void {
    this.#urps += 1
    this.#agents.add(agentId)
    this.#rounds.add(crId)
  }

  #isOver(crId: number): boolean {
    return this.#first !== undefined && crId >= this.#first + this.#roundsMax
  }
}

function isAfter(
  a: { readonly session: number; readonly sequence: number },
  b: { readonly session: number; readonly sequence: number },
): boolean {
  return a.session > b.session || (a.session === b.session && a.sequence > b.sequence)
}
