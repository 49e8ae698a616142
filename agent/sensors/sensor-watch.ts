import { Backoff } from '../../runtime/backoff.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { seededRandom } from '../../runtime/seeded-random.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { Sensor } from './sensor.ts'

/** How often a sensor that does not tell by itself is asked whether it is lost: that costs nothing. */
const LOOK_MS = 1000
/**
 * A cable that was pulled is back in seconds or in days, and 3 s later its sensor is to be in use. So
 * looking is never given up, and opening what is not there must be cheap.
 */
const RETRY_MS_FIRST = 250
const RETRY_MS_MAX = 1000

/** What may be lost and found: a sensor, or a radio that sensors share. */
export type Watched = Pick<Sensor, 'id' | 'status' | 'reason' | 'open' | 'close'>

export interface SensorChange {
  readonly sensor: string
  readonly status: Sensor['status']
  /** Why it is lost; null where it is there. */
  readonly reason: string | null
}

/** Opens a sensor, and looks for it again whenever it is lost. */
export class SensorWatch implements Stoppable {
  readonly #sensor: Watched
  readonly #clock: Clock
  readonly #log: Logger
  readonly #backoff: Backoff
  readonly #onChange: (change: SensorChange) => void
  #timer: Timer | undefined
  /** A sensor that is there from the start is in the birth and no news. */
  #told: Sensor['status'] = 'ok'
  #isLooking = false
  #isStopped = false

  constructor(options: {
    readonly sensor: Watched
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
    this.#isLooking = true
    await this.#tryToOpen()
    this.#lookAgain()
  }

  /** The status of the sensor changed by itself: nobody waits for the next look. */
  changed(): void {
    if (this.#isLooking || this.#isStopped) return
    this.#timer?.cancel()
    void this.#look()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#sensor.close()
  }

  #lookAgain(): void {
    this.#isLooking = false
    if (this.#isStopped) return
    const isThere = this.#sensor.status === 'ok'
    if (isThere) this.#backoff.reset()
    const waitMs = isThere ? LOOK_MS : this.#backoff.nextMs()
    this.#timer = this.#clock.at(this.#clock.now() + waitMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    if (this.#sensor.status === 'lost') {
      this.#tell('lost', this.#sensor.reason ?? 'it delivered nothing any more')
      await this.#tryToOpen()
    } else this.#tell('ok', null)
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
