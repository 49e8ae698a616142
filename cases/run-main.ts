import { ERRORS, GainnetError } from '../runtime/errors.ts'

/** Runs a case study as a program: its exit code, or the words of a user's mistake without a stack. */
export async function runMain(run: (argv: readonly string[]) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await run(process.argv.slice(2))
  } catch (error) {
    // An option that is not known is a TypeError of parseArgs, a value out of range a RangeError.
    const isCall = error instanceof RangeError || error instanceof TypeError
    if (!isCall && !(error instanceof GainnetError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = ERRORS[error instanceof GainnetError ? error.code : 'USAGE'].exitCode
  }
}
