import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { GainnetError } from './errors.ts'
import { LogFile, type LogFileOptions } from './log-file.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  readonly daemon: string
  readonly level: string
  /** Fields of every line, e.g. version and agentId. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** Standard error when left out, so that results own standard output. */
  readonly file?: LogFileOptions | undefined
}

/** The root logger of a daemon: JSON lines, ISO time, secrets redacted. Parts get children. */
export function createLogger({ daemon, level, fields, file }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { daemon, ...fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: ['password', '*.password', '*.*.password', 'secret', '*.secret'],
      serializers: { err: serializeError },
    },
    openStream(file),
  )
}

/** Bytes of lines that wait for a reader of standard error; lines beyond them are lost. */
const WAITING_BYTES_MAX = 256 * 1024

/**
 * A log that cannot be written is no reason to end. The file is written here, because pino's own
 * stream throws at the caller when the disk is full, and keeps every line that waits in memory.
 */
function openStream(file: LogFileOptions | undefined): DestinationStream {
  if (file) return new LogFile(file)
  const stream = destination({ dest: 2, sync: true, maxLength: WAITING_BYTES_MAX })
  return stream.on('error', () => {})
}

/** What a line says of an error: the stack only of our own mistakes, not of expected failures. */
function serializeError(error: unknown): unknown {
  if (error instanceof GainnetError) {
    const { code, message, details, cause } = error
    return { code, message, details, ...(cause ? { cause: serializeError(cause) } : {}) }
  }
  return error instanceof Error ? pino.stdSerializers.err(error) : { message: String(error) }
}
