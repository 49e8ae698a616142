import { CommanderError } from 'commander'
import { ERRORS, GainnetError, messageOf } from '../runtime/errors.ts'

/** sysexits.h: EX_SOFTWARE, for what no code names. */
const EXIT_INTERNAL = 70

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERRORS.USAGE.exitCode
  if (error instanceof GainnetError) return ERRORS[error.code].exitCode
  return EXIT_INTERNAL
}

/** What standard error says of a failure: no stack where the code says enough. */
export function failureText(error: unknown): string {
  // Commander has written its own.
  if (error instanceof CommanderError) return ''
  if (error instanceof GainnetError) {
    const { help } = ERRORS[error.code]
    const place = `docs/reference/errors.md#${error.code.toLowerCase()}`
    return `gainnet: ${error.message}\n  help: ${help} (${place})\n`
  }
  const stack = error instanceof Error ? error.stack : undefined
  return `gainnet: this is a mistake in gainnet itself\n${stack ?? messageOf(error)}\n`
}
