import { Backoff } from '../../runtime/backoff.ts'
import { type Clock, systemClock, type Timer } from '../../runtime/clock.ts'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/seeded-random.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { encodeFrame, type Frame } from '../frame-codec.ts'
import { FrameParser } from '../frame-parser.ts'
import {
  decodeEvent,
  decodeReply,
  EVENTS,
  type EventValues,
  encodeRequest,
  PROTOCOL_VERSION,
  REFUSAL,
  REPLY_BIT,
  REQUESTS,
  type ReplyValues,
  type RequestName,
  type RequestValues,
  STATUS,
} from '../protocol/messages.ts'
import { SerialLine } from '../serial/serial-line.ts'
import { BoardClock, type BoardClockFigures } from './board-clock.ts'
import { LinkCounts, type LinkStatistics } from './link-counts.ts'
import { PendingRequests } from './pending-requests.ts'

/** The board sends a heartbeat each 500 ms: three lost ones are no noise. */
const SILENCE_MS_MAX = 1600
const LOOK_MS = 200
/** A board that was just plugged in or reset may need a second until it reads. */
const GREETING_ATTEMPTS = 5
const ATTEMPTS = 3
const ATTEMPT_MS = 400
const RETRY_MS_FIRST = 200
const RETRY_MS_MAX = 2000
const CLOCK_PERIOD_MS = 5000

export type BoardIdentity = ReplyValues<'identify'>

export type LinkStatus =
  | { readonly state: 'ready'; readonly board: BoardIdentity }
  | { readonly state: 'lost'; readonly reason: string }

export interface FirmwareLinkOptions {
  /** Where the board is now: asked anew for each attempt, as its number may have changed. */
  readonly findPath: () => Promise<string>
  readonly baudRate: number
  /** Another board on the same line never takes the role of this one. */
  readonly uniqueId?: string
  readonly clock?: Clock
  readonly random: Random
  readonly log: Logger
  readonly onSamples?: (samples: EventValues<'samples'>) => void
  readonly onHeartbeat?: (heartbeat: EventValues<'heartbeat'>) => void
  /** Each change once. */
  readonly onStatus?: (status: LinkStatus) => void
}

/**
 * The line to a board: greets it, asks and waits for replies, notices when it falls silent although
 * the port says that it is open, and comes back by itself.
 */
export class FirmwareLink implements Stoppable {
  readonly #options: FirmwareLinkOptions
  readonly #clock: Clock
  readonly #backoff: Backoff
  readonly #requests = new PendingRequests()
  readonly #boardClock = new BoardClock()
  readonly #counts = new LinkCounts()
  #parser = new FrameParser()
  #line: SerialLine | null = null
  #status: LinkStatus = { state: 'lost', reason: 'it was not opened yet' }
  #uniqueId: string | undefined
  #lastFrameMs = 0
  #clockAskedMs = 0
  #timer: Timer | undefined
  #wasSilent = false
  #isStopped = false

  constructor(options: FirmwareLinkOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#uniqueId = options.uniqueId
    this.#backoff = new Backoff({
      firstMs: RETRY_MS_FIRST,
      limitMs: RETRY_MS_MAX,
      random: options.random,
    })
  }

  get status(): LinkStatus {
    return this.#status
  }

  get boardClock(): BoardClockFigures | null {
    return this.#boardClock.figures()
  }

  /** Microseconds on the host's clock of a time stamp of the board, null before it was compared. */
  hostMicros(boardMicros: number): number | null {
    return this.#boardClock.hostMicros(boardMicros)
  }

  boardMicros(hostMicros: number): number | null {
    return this.#boardClock.boardMicros(hostMicros)
  }

  get statistics(): LinkStatistics {
    return this.#counts.statistics(this.#parser.counts)
  }

  /** Resolves after the first attempt, whatever came of it. */
  async start(): Promise<void> {
    await this.#tryToOpen()
    this.#lookAgain()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#close('the link is stopped')
  }

  /**
   * Asks the board, again where no answer comes. SENSOR_UNAVAILABLE while the board is lost,
   * FIRMWARE_REFUSED with the board's reason, DEADLINE_PASSED where it does not answer.
   */
  async request<Name extends RequestName>(
    name: Name,
    values: RequestValues<Name>,
  ): Promise<ReplyValues<Name>> {
    if (this.#status.state === 'lost') {
      throw new GainnetError('SENSOR_UNAVAILABLE', `the board is lost: ${this.#status.reason}`)
    }
    return this.#ask(name, values, ATTEMPTS)
  }

  async #ask<Name extends RequestName>(
    name: Name,
    values: RequestValues<Name>,
    attempts: number,
  ): Promise<ReplyValues<Name>> {
    const payload = encodeRequest(name, values)
    for (let attempt = 1; ; attempt++) {
      this.#counts.requests += 1
      try {
        const reply = await this.#requests.ask(
          sequence => this.#send({ type: REQUESTS[name].type, sequence, payload }),
          { deadlineMs: ATTEMPT_MS, what: name },
        )
        return replyValues(name, reply)
      } catch (error) {
        const isLate = error instanceof GainnetError && error.code === 'DEADLINE_PASSED'
        if (isLate) this.#counts.late += 1
        if (!isLate || attempt >= attempts) throw error
      }
    }
  }

  #send(frame: Frame): boolean {
    const isTaken = this.#line?.write(encodeFrame(frame)) ?? false
    if (isTaken) this.#counts.framesSent += 1
    return isTaken
  }

  async #tryToOpen(): Promise<void> {
    try {
      const path = await this.#options.findPath()
      this.#parser = this.#newParser()
      const parser = this.#parser
      this.#line = await SerialLine.open(
        { path, baudRate: this.#options.baudRate },
        {
          bytes: bytes => {
            this.#counts.bytesReceived += bytes.length
            parser.write(bytes)
          },
          end: reason => void this.#lose(reason),
        },
      )
      // A zero ends whatever noise stands before our first frame.
      this.#line.write(Uint8Array.of(0))
      const board = await this.#greet()
      this.#backoff.reset()
      this.#tell({ state: 'ready', board })
      await this.#compareClocks()
    } catch (error) {
      await this.#lose(messageOf(error))
    }
  }

  #newParser(): FrameParser {
    this.#counts.take(this.#parser.counts)
    const parser = new FrameParser()
    parser.on('data', (frame: Frame) => this.#onFrame(frame))
    return parser
  }

  async #greet(): Promise<BoardIdentity> {
    const board = await this.#ask('identify', {}, GREETING_ATTEMPTS)
    if (board.protocolVersion !== PROTOCOL_VERSION) {
      throw new GainnetError(
        'FIRMWARE_REFUSED',
        `its firmware speaks protocol version ${board.protocolVersion}, this program ${PROTOCOL_VERSION}`,
      )
    }
    this.#uniqueId ??= board.uniqueId
    if (board.uniqueId !== this.#uniqueId) {
      throw new GainnetError(
        'FIRMWARE_REFUSED',
        `another board answers: ${board.uniqueId}, and not ${this.#uniqueId}`,
      )
    }
    return board
  }

  #onFrame(frame: Frame): void {
    this.#lastFrameMs = this.#clock.now()
    this.#wasSilent = false
    if ((frame.type & REPLY_BIT) !== 0) {
      if (!this.#requests.settle(frame)) this.#counts.unexpected += 1
      return
    }
    this.#counts.event(frame.sequence)
    if (frame.type === EVENTS.samples.type) {
      this.#hand(decodeEvent('samples', frame.payload), this.#options.onSamples)
    } else if (frame.type === EVENTS.heartbeat.type) {
      this.#hand(decodeEvent('heartbeat', frame.payload), this.#options.onHeartbeat)
    } else this.#counts.unexpected += 1
  }

  #hand<Values>(values: Values | null, take: ((values: Values) => void) | undefined): void {
    if (values === null) this.#counts.unexpected += 1
    else take?.(values)
  }

  #lookAgain(): void {
    if (this.#isStopped) return
    const waitMs = this.#status.state === 'ready' ? LOOK_MS : this.#backoff.nextMs()
    this.#timer = this.#clock.at(this.#clock.now() + waitMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    const now = this.#clock.now()
    if (this.#status.state === 'lost') await this.#tryToOpen()
    else if (now - this.#lastFrameMs > SILENCE_MS_MAX) {
      // A look that was late itself comes before the bytes that wait: they get their turn first.
      if (this.#wasSilent) {
        await this.#lose(`it said nothing for ${SILENCE_MS_MAX} ms although its port is open`)
      }
      this.#wasSilent = !this.#wasSilent
    } else if (now - this.#clockAskedMs > CLOCK_PERIOD_MS) {
      await this.#compareClocks().catch(error => {
        this.#options.log.debug({ reason: messageOf(error) }, 'clocks not compared')
      })
    }
    this.#lookAgain()
  }

  async #compareClocks(): Promise<void> {
    this.#clockAskedMs = this.#clock.now()
    const t1 = Math.round(this.#clock.now() * 1000)
    const reply = await this.#ask('time', { t1 }, 1)
    this.#boardClock.add({ ...reply, t4: Math.round(this.#clock.now() * 1000) })
  }

  async #lose(reason: string): Promise<void> {
    await this.#close(reason)
    this.#tell({ state: 'lost', reason })
  }

  async #close(reason: string): Promise<void> {
    const line = this.#line
    this.#line = null
    this.#requests.failAll(reason)
    await line?.close()
  }

  #tell(status: LinkStatus): void {
    const isNew = status.state !== this.#status.state
    this.#status = status
    if (!isNew || this.#isStopped) return
    if (status.state === 'lost') this.#counts.losses += 1
    this.#options.onStatus?.(status)
  }
}

function replyValues<Name extends RequestName>(name: Name, reply: Frame): ReplyValues<Name> {
  if (reply.type === REFUSAL) {
    const [, status] = reply.payload
    const words = Object.entries(STATUS).find(([, value]) => value === status)?.[0]
    throw new GainnetError('FIRMWARE_REFUSED', `the board refuses ${name}: ${words ?? status}`)
  }
  const values = decodeReply(name, reply.payload)
  if (values === null || reply.type !== (REQUESTS[name].type | REPLY_BIT)) {
    throw new GainnetError('FIRMWARE_REFUSED', `the board answers ${name} with another message`)
  }
  return values
}
