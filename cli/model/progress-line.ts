/** Where a training stands. */
export interface Progress {
  readonly step: number
  readonly steps: number
  readonly epoch: number
  readonly loss: number
  readonly secondsPassed: number
}

const BAR_COLUMNS = 28
/** Not more often: a terminal over a slow line must not hold training up. */
const PERIOD_SECONDS = 0.1
/** Where nobody looks, a line now and then. */
const PLAIN_PERIOD_SECONDS = 10

export function progressText({ step, steps, epoch, loss, secondsPassed }: Progress): string {
  const share = Math.min(1, step / steps)
  const full = Math.round(share * BAR_COLUMNS)
  const bar = '█'.repeat(full) + '░'.repeat(BAR_COLUMNS - full)
  // The first steps are slow and tell nothing of the others.
  const left = ((steps - step) * secondsPassed) / Math.max(1, step)
  const end = secondsPassed < 1 && step < steps ? '' : `  ${durationText(left)} left`
  return (
    `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  step ${step}/${steps}  ` +
    `epoch ${epoch}  loss ${loss.toPrecision(4)}${end}`
  )
}

function durationText(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** Draws over its own line on a terminal, and writes whole lines, few of them, anywhere else. */
export class ProgressLine {
  readonly #output: NodeJS.WriteStream
  #shownAt = Number.NEGATIVE_INFINITY

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  show(progress: Progress): void {
    const isEnd = progress.step >= progress.steps
    const period = this.#output.isTTY ? PERIOD_SECONDS : PLAIN_PERIOD_SECONDS
    if (!isEnd && progress.secondsPassed - this.#shownAt < period) return
    this.#shownAt = progress.secondsPassed
    const text = progressText(progress)
    if (!this.#output.isTTY) this.#output.write(`${text}\n`)
    else this.#output.write(`\r\x1b[K${text.slice(0, (this.#output.columns || 100) - 1)}`)
  }

  clear(): void {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K')
  }
}
