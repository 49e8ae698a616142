import { type Logger as CronLogger, createTask, type ScheduledTask, validate } from 'node-cron'
import { GainnetError } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'

export interface ScheduledJob {
  readonly name: string
  /** Cron expression of five fields, or six with seconds first. */
  readonly expression: string
  /** The config key that the expression comes from, for the error message. */
  readonly configKey: string
  readonly run: () => Promise<unknown>
}

/** Runs the heavier probes on their cron schedules; one run of a job at a time. */
export class ProbeSchedule implements Stoppable {
  readonly #jobs: readonly ScheduledJob[]
  readonly #log: Logger
  readonly #running = new Map<string, Promise<void>>()
  #tasks: ScheduledTask[] = []

  constructor({ jobs, log }: { readonly jobs: readonly ScheduledJob[]; readonly log: Logger }) {
    this.#jobs = jobs
    this.#log = log
  }

  /** Throws CONFIG_INVALID before anything is scheduled when an expression is not one. */
  start(): void {
    if (this.#tasks.length > 0) return
    for (const { expression, configKey } of this.#jobs) {
      if (validate(expression)) continue
      throw new GainnetError('CONFIG_INVALID', `${configKey}: '${expression}' is not a schedule`, {
        configKey,
        expression,
      })
    }
    const logger = cronLogger(this.#log)
    this.#tasks = this.#jobs.map(job =>
      createTask(job.expression, () => this.runNow(job.name), { name: job.name, logger }),
    )
    for (const task of this.#tasks) void task.start()
  }

  /** Runs the job now; when it is running already, resolves with that run. Never rejects. */
  runNow(name: string): Promise<void> {
    const current = this.#running.get(name)
    if (current) return current
    const job = this.#jobs.find(candidate => candidate.name === name)
    if (!job) throw new RangeError(`no job ${name}`)
    const run = this.#run(job).finally(() => this.#running.delete(name))
    this.#running.set(name, run)
    return run
  }

  async #run({ name, run }: ScheduledJob): Promise<void> {
    try {
      await run()
    } catch (err) {
      this.#log.warn({ job: name, err }, 'scheduled job failed')
    }
  }

  /** No run starts any more; waits for those under way. */
  async stop(): Promise<void> {
    const tasks = this.#tasks
    this.#tasks = []
    for (const task of tasks) await task.destroy()
    await Promise.all(this.#running.values())
  }
}

/** node-cron writes to the console otherwise. */
function cronLogger(log: Logger): CronLogger {
  const note = (message: string | Error): void => {
    log.debug({ cron: message instanceof Error ? message.message : message }, 'cron noted')
  }
  return { info: note, warn: note, error: note, debug: note }
}
