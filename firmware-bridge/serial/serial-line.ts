import { SerialPort } from 'serialport'
import { GainnetError, messageOf } from '../../runtime/errors.ts'

const OPEN_MS_MAX = 3000
/** A line that takes nothing for so long is not written to any more. */
const PENDING_WRITE_BYTES_MAX = 64 * 1024

export interface SerialLineOptions {
  /** /dev/serial/by-id/…, /dev/ttyUSB0 or the path of a pseudo-terminal. */
  readonly path: string
  readonly baudRate: number
}

/** An open serial port, locked for us; bytes come to `onBytes` until it ends, once, by `onEnd`. */
export class SerialLine {
  readonly #port: SerialPort
  #isEnded = false

  static async open(
    { path, baudRate }: SerialLineOptions,
    on: {
      readonly bytes: (bytes: Buffer) => void
      readonly end: (reason: string) => void
    },
  ): Promise<SerialLine> {
    const port = new SerialPort({ path, baudRate, autoOpen: false, lock: true })
    await opened(port, path)
    return new SerialLine(port, on)
  }

  private constructor(
    port: SerialPort,
    on: { readonly bytes: (bytes: Buffer) => void; readonly end: (reason: string) => void },
  ) {
    this.#port = port
    const end = (reason: string): void => {
      if (this.#isEnded) return
      this.#isEnded = true
      on.end(reason)
    }
    // An unplugged cable is only noticed while somebody listens for data.
    port.on('data', on.bytes)
    port.on('error', error => end(endText(error)))
    port.on('close', (error: unknown) => end(error ? endText(error) : 'the port was closed'))
  }

  /** False where the line has taken nothing for long and these bytes are not even kept. */
  write(bytes: Uint8Array): boolean {
    if (this.#isEnded || this.#port.writableLength > PENDING_WRITE_BYTES_MAX) return false
    this.#port.write(Buffer.from(bytes))
    return true
  }

  /** `onEnd` is not called any more. */
  async close(): Promise<void> {
    this.#isEnded = true
    if (!this.#port.isOpen) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, OPEN_MS_MAX)
      this.#port.close(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

/** A port that was pulled out says that reading fails, or that its file descriptor is bad. */
function endText(error: unknown): string {
  const isGone = /EIO|ENXIO|EBADF|bad file descriptor/i.test(messageOf(error))
  return isGone ? 'its port is gone: was it unplugged?' : messageOf(error)
}

const CAUSES: readonly { readonly words: RegExp; readonly why: string }[] = [
  { words: /no such file/i, why: 'is not there: is the cable plugged in?' },
  { words: /permission denied/i, why: 'may not be opened: add this user to the group dialout' },
  { words: /cannot lock|resource (temporarily )?(unavailable|busy)/i, why: 'is in use by another' },
]

function opened(port: SerialPort, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (what: string): void =>
      reject(new GainnetError('SENSOR_UNAVAILABLE', `${path} ${what}`, { path }))
    const timer = setTimeout(() => fail(`did not open within ${OPEN_MS_MAX} ms`), OPEN_MS_MAX)
    port.open(error => {
      clearTimeout(timer)
      if (!error) return resolve()
      const cause = CAUSES.find(({ words }) => words.test(error.message))
      fail(cause?.why ?? `cannot be opened: ${error.message}`)
    })
  })
}
