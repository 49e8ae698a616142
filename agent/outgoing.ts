import { join } from 'node:path'
import { isEnd } from '../protocol/assignment.ts'
import { cutBlocks, hashOf } from '../protocol/blocks.ts'
import type { ControllerState } from '../protocol/life.ts'
import type { Content } from '../protocol/messages.ts'
import { topicFor } from '../protocol/topics.ts'
import { BLOCK_BYTES_MAX } from '../protocol/update.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import type { Clock } from '../runtime/clock.ts'
import { messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/seeded-random.ts'
import type { Stoppable } from '../runtime/shutdown.ts'
import type { LearnedUpdate } from './assignment/consumption.ts'
import type { TransferPace } from './limits/transfer-pace.ts'
import type { TransferMeter } from './measure/link/transfer-meter.ts'
import { ConfirmedSend } from './outbox/confirmed-send.ts'
import { MessageOutbox, type OutboxMessage, type OutboxStatus } from './outbox/message-outbox.ts'
import { UpdateStore } from './outbox/update-store.ts'
import { UpdateUploader, type UploadOutcome } from './transfer/update-upload.ts'

/** An update that found no controller for a day is of no round any more. */
const UPDATE_AGE_MS_MAX = 24 * 3600 * 1000
const UPDATES_MAX = 16

export interface OutgoingOptions {
  readonly wire: WireSession
  readonly agentId: string
  readonly directory: string
  readonly bytesMax: number
  /** Takes each upload as a measurement of the link. */
  readonly meter?: TransferMeter
  readonly clock: Clock
  readonly random: Random
  readonly onDegraded: (reason: string | null) => void
  readonly onQuarantined: (topic: string, file: string) => void
  readonly log: Logger
}

/**
 * What the agent produces and must not lose: events and reports in the message outbox, updates in
 * the update store. Both hold their contents while the broker or the controller is away.
 */
export class Outgoing implements Stoppable {
  readonly #options: OutgoingOptions
  readonly #messages: MessageOutbox
  readonly #updates: UpdateStore
  readonly #confirmed: ConfirmedSend
  readonly #uploader: UpdateUploader

  private constructor(
    options: OutgoingOptions,
    parts: {
      readonly messages: MessageOutbox
      readonly updates: UpdateStore
      readonly confirmed: ConfirmedSend
    },
  ) {
    this.#options = options
    this.#messages = parts.messages
    this.#updates = parts.updates
    this.#confirmed = parts.confirmed
    const { wire, agentId, meter, log } = options
    this.#uploader = new UpdateUploader({ wire, agentId, store: parts.updates, meter, log })
  }

  static async open(options: OutgoingOptions): Promise<Outgoing> {
    const { wire, agentId, directory, bytesMax, clock, random, onDegraded, onQuarantined, log } =
      options
    const confirmed = new ConfirmedSend({ wire, agentId })
    const messages = await MessageOutbox.open({
      directory,
      bytesMax,
      send: (topic, payload) => confirmed.send(topic, payload),
      random,
      onDegraded,
      onQuarantined,
      log,
    })
    const updates = await UpdateStore.open({
      directory: join(directory, 'updates'),
      bytesMax,
      ageMsMax: UPDATE_AGE_MS_MAX,
      countMax: UPDATES_MAX,
      clock,
      log,
    })
    return new Outgoing(options, { messages, updates, confirmed })
  }

  /** Sends while the broker is connected and the controller is there to take it. */
  async start(): Promise<void> {
    const { wire } = this.#options
    await this.#confirmed.start()
    await wire.on('controllerState', {}, ({ state }) => this.#onController(state))
    wire.connection.onDisconnected(() => this.#messages.hold())
    await this.#uploader.start()
  }

  get status(): OutboxStatus {
    const { produced, stored, refused, dropped, waiting } = this.#updates.counts
    const messages = this.#messages.status
    return {
      ...messages,
      produced: messages.produced + produced,
      delivered: messages.delivered + stored + refused,
      storedMessages: messages.storedMessages + waiting,
      storedBytes: messages.storedBytes + this.#updates.bytes,
      dropped: messages.dropped + dropped,
    }
  }

  event(content: Content<'agentEvent'>): void {
    const { wire, agentId } = this.#options
    const topic = topicFor(wire.site, 'agentEvent', { agentId })
    this.#append({ class: 'event', topic, payload: wire.sealer.seal('agentEvent', content).bytes })
  }

  /** How it ended is kept until the controller has it; what is of the moment goes out directly. */
  report(content: Content<'assignmentStatus'>): void {
    const { wire, agentId, log } = this.#options
    if (isEnd(content.status)) {
      const topic = topicFor(wire.site, 'assignmentStatus', { agentId })
      const payload = wire.sealer.seal('assignmentStatus', content).bytes
      this.#append({ class: 'status', topic, payload })
      return
    }
    wire.publish('assignmentStatus', { agentId }, content).catch(error => {
      log.debug({ reason: messageOf(error) }, 'report not sent')
    })
  }

  /**
   * Resolves with the end of the update, or, when it is clear that none comes now and the update lasts
   * on disk; OUTBOX_FULL where neither the disk nor the controller has taken it.
   */
  async upload({ payload, learned }: LearnedUpdate, pace?: TransferPace): Promise<UploadOutcome> {
    const blockBytes = pace?.blockBytesFor(payload.length, BLOCK_BYTES_MAX) ?? BLOCK_BYTES_MAX
    const update = await this.#updates.put(
      {
        ...learned,
        bytes: payload.length,
        sha256: hashOf(payload),
        blockBytes,
        blockHashes: cutBlocks(payload, blockBytes).map(hashOf),
      },
      payload,
    )
    // Its ways to the disk and to the controller are gone side by side.
    const kept = this.#updates.kept(update)
    kept.catch(() => {})
    const outcome = await this.#uploader.upload(update, { payload, pace })
    if (outcome.status === 'unanswered') await kept
    return outcome
  }

  async stop(): Promise<void> {
    await this.#uploader.stop()
    await this.#messages.close()
    await this.#updates.close()
  }

  #append(message: OutboxMessage): void {
    this.#messages.append(message).catch(error => {
      this.#options.log.warn({ topic: message.topic, reason: messageOf(error) }, 'message not kept')
    })
  }

  #onController(state: ControllerState['state']): void {
    if (state === 'lost' || state === 'disconnected') this.#messages.hold()
    else this.#messages.open()
  }
}
