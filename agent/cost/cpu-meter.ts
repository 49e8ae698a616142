/** CPU seconds of this process so far, user and system. */
export type CpuSeconds = () => number

/** One piece of work that is being paid for. */
export interface CpuAccount {
  /** Ends it; how much of the process's CPU time it took. */
  close(): number
}

interface OpenAccount {
  seconds: number
}

/**
 * Charges the CPU time of this process to what is going on in it. Each moment is charged to the
 * account that was opened last and is still open: so nothing is counted twice, and all accounts
 * together never exceed what the process took. What other parts of the process do while a probe
 * waits is charged to the probe: the figures are at most too high.
 */
export class CpuMeter {
  readonly #cpuSeconds: CpuSeconds
  readonly #open: OpenAccount[] = []
  #chargedTo: number

  constructor(cpuSeconds: CpuSeconds = ownCpuSeconds) {
    this.#cpuSeconds = cpuSeconds
    this.#chargedTo = cpuSeconds()
  }

  open(): CpuAccount {
    this.#charge()
    const account: OpenAccount = { seconds: 0 }
    this.#open.push(account)
    return {
      close: () => {
        this.#charge()
        const index = this.#open.indexOf(account)
        if (index !== -1) this.#open.splice(index, 1)
        return account.seconds
      },
    }
  }

  #charge(): void {
    const now = this.#cpuSeconds()
    const latest = this.#open.at(-1)
    if (latest) latest.seconds += now - this.#chargedTo
    this.#chargedTo = now
  }
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** A process has one account of CPU time, and so one meter. */
export const processMeter = new CpuMeter()
