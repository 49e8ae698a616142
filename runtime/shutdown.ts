import type { Logger } from './logger.ts'

/** Something that was started. `stop` may be called twice. */
export interface Stoppable {
  stop(): Promise<void>
}

/**
 * Parts in the order they were started; stopped in reverse, each with a bound, so that one part that
 * hangs does not keep the others from ending well.
 */
export class PartStack {
  readonly #parts: { readonly name: string; readonly part: Stoppable }[] = []
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  add<Part extends Stoppable>(name: string, part: Part): Part {
    this.#parts.push({ name, part })
    return part
  }

  async stop(partMsMax = 5000): Promise<void> {
    for (let entry = this.#parts.pop(); entry; entry = this.#parts.pop()) {
      const { name, part } = entry
      let timer: NodeJS.Timeout | undefined
      const tooLong = new Promise<void>(resolve => {
        timer = setTimeout(() => {
          this.#log.warn({ part: name, partMsMax }, 'part did not stop in time')
          resolve()
        }, partMsMax)
      })
      await Promise.race([this.#stopPart(name, part), tooLong])
      clearTimeout(timer)
    }
  }

  async #stopPart(name: string, part: Stoppable): Promise<void> {
    try {
      await part.stop()
    } catch (err) {
      this.#log.warn({ part: name, err }, 'stop failed')
    }
  }
}

/**
 * Ctrl-C reaches every process of the terminal's job, and npm passes it on once more: two signals
 * this close are one wish. Longer than a busy machine takes, shorter than a person to press again.
 */
export const SAME_WISH_MS = 400

/**
 * Resolves when the process is asked to end: SIGTERM, SIGINT, or the death of a parent that forked
 * it. A second signal ends the process at once.
 */
export function endRequested(): Promise<string> {
  return new Promise(resolve => {
    let askedAt: number | undefined
    const ask = (reason: string) => (): void => {
      const isImpatient = askedAt !== undefined && performance.now() - askedAt > SAME_WISH_MS
      if (isImpatient && reason !== 'parent is gone') process.exit(130)
      askedAt ??= performance.now()
      resolve(reason)
    }
    process.on('SIGTERM', ask('SIGTERM'))
    process.on('SIGINT', ask('SIGINT'))
    // Only a forked process can send. Its parent may have died while we were being loaded.
    if (process.send && !process.connected) resolve('parent is gone')
    if (!process.connected) return
    process.on('disconnect', ask('parent is gone'))
    // The listener alone must not keep a process alive that has ended its parts.
    process.channel?.unref()
  })
}
