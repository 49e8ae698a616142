/** Time as a parameter: real in daemons, virtual in simulations and tests. */
export interface Clock {
  /** Wall time in ms since the epoch, taken once at start and then carried on monotonically. */
  now(): number
  /** Calls back once when now() has reached the time, at once if it has passed. */
  at(timeMs: number, callback: () => void): Timer
}

export interface Timer {
  cancel(): void
}

/** setTimeout holds at most 2^31 - 1 ms; longer waits are cut into pieces. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

/**
 * Wall time that cannot jump: `performance.now()` counts on whatever NTP or a missing real-time
 * clock does to the system's date.
 */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  at(timeMs, callback) {
    let handle: NodeJS.Timeout
    const arm = (): void => {
      const waitMs = timeMs - systemClock.now()
      if (waitMs <= 0) handle = setTimeout(callback, 0)
      else if (waitMs > TIMEOUT_MS_MAX) handle = setTimeout(arm, TIMEOUT_MS_MAX)
      // A timer may fire up to a millisecond early.
      else handle = setTimeout(() => (systemClock.now() < timeMs ? arm() : callback()), waitMs)
    }
    arm()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Resolves at the time; rejects with the signal's reason when aborted first. */
export function until(clock: Clock, timeMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.at(timeMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
