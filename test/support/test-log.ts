import { pino } from 'pino'
import type { Logger } from '../../runtime/logger.ts'

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** A logger that keeps its lines, so that a test can look at what was said. */
export function testLog(): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const write = (text: string): void => {
    lines.push(JSON.parse(text))
  }
  return { log: pino({ level: 'debug' }, { write }), lines }
}
