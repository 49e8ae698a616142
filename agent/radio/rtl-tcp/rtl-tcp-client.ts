import { connect, type Socket } from 'node:net'
import { withDeadline } from '../../../runtime/deadline.ts'
import { deferred } from '../../../runtime/deferred.ts'
import { GainnetError, hasCode, messageOf } from '../../../runtime/errors.ts'
import type { Stoppable } from '../../../runtime/shutdown.ts'
import { SampleQueue, type StreamPart } from '../sample-queue.ts'
import { encodeCommand, HEADER_BYTES, parseHeader, type RadioHeader } from './rtl-tcp-protocol.ts'

export interface Tuning {
  readonly frequencyHz: number
  readonly rateHz: number
  /** Of the tuner, in dB; it chooses by itself where left out. */
  readonly gainDb?: number | undefined
  readonly frequencyCorrectionPpm?: number | undefined
}

/** A server on the same board greets at once; one across a network within a round trip or two. */
const GREETING_MS_MAX = 3000
/** rtl_tcp sends a buffer of 256 KiB at a time: at the least rate, 225 kHz, two a second. */
const SILENCE_MS_MAX = 3000
/** A timer that was late itself comes before the bytes that wait: they get their turn first. */
const SECOND_LOOK_MS = 50
/** 1.7 s of 2.4 MS/s. */
const QUEUE_BYTES_MAX = 8 * 2 ** 20

/**
 * A radio behind rtl_tcp or a server of the same protocol. Its samples wait for their reader in a
 * bounded queue; what does not fit is dropped and counted, and the radio never waits. Once it is
 * lost it stays so: who wants it back connects anew.
 */
export class RtlTcpClient implements Stoppable {
  readonly header: RadioHeader
  readonly #socket: Socket
  readonly #queue: SampleQueue
  readonly #silenceMsMax: number
  #silence: NodeJS.Timeout | undefined
  /** The I of a sample whose Q has not come yet. */
  #half: Buffer = Buffer.alloc(0)
  #receivedBytes = 0

  /** SENSOR_UNAVAILABLE where nobody listens, or somebody who is no radio. */
  static async connect(options: {
    readonly host: string
    readonly port: number
    readonly silenceMsMax?: number
    readonly queueBytesMax?: number
  }): Promise<RtlTcpClient> {
    const { host, port } = options
    const socket = connect({ host, port, noDelay: true })
    try {
      const what = `the radio server at ${host}:${port}`
      const { header, rest } = await withDeadline(greeting(socket, what), {
        ms: GREETING_MS_MAX,
        what: `the greeting of ${what}`,
      })
      return new RtlTcpClient(socket, { header, rest, ...options })
    } catch (cause) {
      socket.destroy()
      if (hasCode(cause, 'SENSOR_UNAVAILABLE')) throw cause
      throw unavailable(`${host}:${port} is no radio server: ${messageOf(cause)}`, cause)
    }
  }

  private constructor(
    socket: Socket,
    options: {
      readonly header: RadioHeader
      readonly rest: Buffer
      readonly silenceMsMax?: number
      readonly queueBytesMax?: number
    },
  ) {
    this.header = options.header
    this.#socket = socket
    this.#silenceMsMax = options.silenceMsMax ?? SILENCE_MS_MAX
    this.#queue = new SampleQueue({ bytesMax: options.queueBytesMax ?? QUEUE_BYTES_MAX })
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    socket.on('error', error => this.#lose(messageOf(error)))
    socket.on('close', () => this.#lose('the server closed the connection'))
    this.#listen()
    if (options.rest.length > 0) this.#receive(options.rest)
    socket.resume()
  }

  /** Bytes of samples so far, dropped ones included. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  get droppedBytes(): number {
    return this.#queue.droppedBytes
  }

  /** Samples that were sent before are still on their way: let some tenths of a second pass. */
  tune({ frequencyHz, rateHz, gainDb, frequencyCorrectionPpm }: Tuning): void {
    const commands = [
      encodeCommand('rateHz', Math.round(rateHz)),
      ...(frequencyCorrectionPpm === undefined
        ? []
        : [encodeCommand('frequencyCorrectionPpm', Math.round(frequencyCorrectionPpm))]),
      encodeCommand('automaticGain', 0),
      encodeCommand('gainMode', gainDb === undefined ? 0 : 1),
      ...(gainDb === undefined ? [] : [encodeCommand('gainTenthsDb', Math.round(gainDb * 10))]),
      encodeCommand('frequencyHz', Math.round(frequencyHz)),
    ]
    this.#socket.write(Buffer.concat(commands))
  }

  /** Whole samples, for one reader; throws SENSOR_UNAVAILABLE when the radio is lost. */
  parts(): AsyncGenerator<StreamPart, void, void> {
    return this.#queue.parts()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#silence)
    this.#queue.end()
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#silence?.refresh()
    this.#receivedBytes += bytes.length
    const whole = this.#half.length > 0 ? Buffer.concat([this.#half, bytes]) : bytes
    const even = whole.length - (whole.length % 2)
    // A copy: one byte must not keep the chunk alive.
    this.#half = Buffer.from(whole.subarray(even))
    this.#queue.push(whole.subarray(0, even))
  }

  #listen(): void {
    this.#silence = setTimeout(() => {
      const received = this.#receivedBytes
      this.#silence = setTimeout(() => {
        if (this.#receivedBytes > received) this.#listen()
        else this.#lose(`it sent nothing for ${this.#silenceMsMax} ms`)
      }, SECOND_LOOK_MS)
    }, this.#silenceMsMax)
  }

  #lose(reason: string): void {
    clearTimeout(this.#silence)
    this.#queue.end(unavailable(`the radio is lost: ${reason}`))
    this.#socket.destroy()
  }
}

/** The header, and what came with it. Leaves the socket paused. */
async function greeting(
  socket: Socket,
  what: string,
): Promise<{ readonly header: RadioHeader; readonly rest: Buffer }> {
  const done = deferred<{ header: RadioHeader; rest: Buffer }>()
  let bytes: Buffer = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk])
    if (bytes.length < HEADER_BYTES) return
    socket.pause()
    const header = parseHeader(bytes)
    if (header) done.resolve({ header, rest: bytes.subarray(HEADER_BYTES) })
    else done.reject(unavailable(`${what} does not greet as rtl_tcp does`))
  }
  const onError = (error: Error): void =>
    done.reject(
      unavailable(
        `${what} cannot be reached (is rtl_tcp running there?): ${messageOf(error)}`,
        error,
      ),
    )
  const onClose = (): void =>
    done.reject(unavailable(`${what} closed the connection: it serves one client at a time`))
  socket.on('data', onData).once('error', onError).once('close', onClose)
  try {
    return await done.promise
  } finally {
    socket.off('data', onData).off('error', onError).off('close', onClose)
  }
}

function unavailable(message: string, cause?: unknown): GainnetError {
  return new GainnetError('SENSOR_UNAVAILABLE', message, {}, { cause })
}
