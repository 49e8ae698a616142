import { Backoff } from '../../runtime/backoff.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { Sensor } from './sensor.ts'

/** How often a sensor is asked whether it is lost: cheap, and quick against a communication round. */
const LOOK_MS = 2000
/** A card that was pulled is back in seconds or in days. */
const RETRY_MS_FIRST = 2000
const RETRY_MS_MAX = 60_000

export interface SensorChange {
  readonly sensor: string
  readonly status: Sensor['status']
  /** Why it is lost; null where it is there. */
  readonly reason: string | null
}

/** Opens a sensor, and looks for it again whenever it is lost. */
export class SensorWatch implements Stoppable {
  readonly #sensor: Sensor
  readonly #clock: Clock
  readonly #log: Logger
  readonly #backoff: Backoff
  readonly #onChange: (change: SensorChange) => void
  #timer: Timer | undefined
  /** A sensor that is there from the start is in the birth and no news. */
  #told: Sensor['status'] = 'ok'
  #isStopped = false

  constructor(options: {
    readonly sensor: Sensor
    readonly seed: number
    readonly clock: Clock
    readonly log: Logger
    readonly onChange: (change: SensorChange) => void
  }) {
    this.#onChange = options.onChange
    this.#sensor = options.sensor
    this.#clock = options.clock
    this.#log = options.log
    this.#backoff = new Backoff({
      firstMs: RETRY_MS_FIRST,
      limitMs: RETRY_MS_MAX,
      random: seededRandom(options.seed),
    })
  }

  /** Resolves after the first attempt, whatever came of it. */
  async start(): Promise<void> {
    await this.#tryToOpen()
    this.#lookAgain()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#sensor.close()
  }

  #lookAgain(): void {
    if (this.#isStopped) return
    const isThere = this.#sensor.status === 'ok'
    if (isThere) this.#backoff.reset()
    const waitMs = isThere ? LOOK_MS : this.#backoff.nextMs()
    this.#timer = this.#clock.at(this.#clock.now() + waitMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    if (this.#sensor.status === 'lost') {
      this.#tell('lost', 'it delivered nothing any more')
      await this.#tryToOpen()
    }
    this.#lookAgain()
  }

  async #tryToOpen(): Promise<void> {
    try {
      await this.#sensor.open()
      this.#log.info('sensor is there')
      this.#tell('ok', null)
    } catch (error) {
      if (this.#isStopped) return
      const fields = { reason: messageOf(error) }
      // Once for each loss, not for each attempt.
      if (this.#backoff.attempt === 0) this.#log.warn(fields, 'sensor cannot be opened')
      else this.#log.debug(fields, 'sensor still cannot be opened')
      this.#tell('lost', messageOf(error))
    }
  }

  /** Each change once. */
  #tell(status: Sensor['status'], reason: string | null): void {
    if (status === this.#told) return
    this.#told = status
    this.#onChange({ sensor: this.#sensor.id, status, reason })
  }
}
