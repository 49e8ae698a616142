import { DemoRun } from './demo-run.ts'
import { createPresenter, printLines } from './presenter.ts'
import { renderReport } from './report-text.ts'
import { giveAwayRunFolder, makeRunFolder, removeRunFolder } from './run-folder.ts'

export interface DemoOptions {
  /** GAI rounds. */
  readonly rounds: number
  readonly agents: number
  /** Whether standard output ends with the report as one JSON document. */
  readonly json: boolean
  readonly broker: 'embedded' | 'mosquitto'
  /** Folder for all files of the run, which then stay. */
  readonly keep?: string | undefined
}

/** As a shell reports a process that ended by SIGINT. */
const INTERRUPTED = 130
/** sysexits.h: EX_TEMPFAIL, some rounds are missing in the records. */
const INCOMPLETE = 75

/**
 * The whole demo: a fleet on this machine for some rounds, shown while it runs, then a report.
 * Resolves with the exit code; failures are thrown when everything has been ended.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  // Standard output is for the document alone where one is asked for.
  const progress = options.json ? process.stderr : process.stdout
  const folder = await makeRunFolder(options.keep)
  const presenter = createPresenter(progress)
  const run = new DemoRun({ ...options, folder, presenter })
  const interrupt = (): void => run.interrupt()
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  process.on('SIGHUP', interrupt)
  let isKept = options.keep !== undefined
  try {
    const report = await run.report()
    presenter.end()
    printLines(progress, [[], ...renderReport(report)])
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`)
    return report.rounds === options.rounds ? 0 : INCOMPLETE
  } catch (error) {
    if (run.isInterrupted) return INTERRUPTED
    // The message names the logs.
    isKept = true
    throw error
  } finally {
    await run.stop()
    presenter.end()
    if (run.isInterrupted) progress.write('interrupted; all daemons have ended\n')
    if (isKept) await giveAwayRunFolder(folder)
    else await removeRunFolder(folder)
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    process.off('SIGHUP', interrupt)
  }
}
