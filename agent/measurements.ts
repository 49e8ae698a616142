import type { LinkFigures } from '../protocol/urp.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Stoppable } from '../runtime/shutdown.ts'
import { LinkSeries } from './measure/link-series.ts'
import { type BoardRoots, type ProbeResult, runProbe } from './measure/probe.ts'
import type { ProbeName, ProbeResults, Probes } from './measure/registry.ts'
import { ProbeSchedule } from './measure/schedule.ts'

export interface MeasurementsOptions {
  readonly probes: Probes
  readonly roots: BoardRoots
  readonly link: string
  readonly schedules: { readonly compute: string; readonly link: string }
  readonly log: Logger
}

/** The newest result of every probe: the cheap ones when asked, the heavy ones on schedule. */
export class Measurements implements Stoppable {
  readonly #options: MeasurementsOptions
  readonly #schedule: ProbeSchedule
  readonly #series = new LinkSeries()
  #results: Partial<Record<ProbeName, ProbeResult<unknown>>> = {}

  constructor(options: MeasurementsOptions) {
    this.#options = options
    const { schedules, log } = options
    const job = (name: 'compute' | 'link') => ({
      name,
      expression: schedules[name],
      configKey: `measure.${name}Schedule`,
      run: () => this.#read(name),
    })
    this.#schedule = new ProbeSchedule({ jobs: [job('compute'), job('link')], log })
  }

  get results(): ProbeResults {
    // Each result is of the probe with its name.
    return this.#results as ProbeResults
  }

  get linkFigures(): LinkFigures | undefined {
    return this.#series.figures(this.#options.link)
  }

  startSchedule(): void {
    this.#schedule.start()
  }

  /** Joins a run that is under way. */
  measureNow(name: 'compute' | 'link'): Promise<void> {
    return this.#schedule.runNow(name)
  }

  /** Files of the kernel only: cheap enough for every health message. */
  async readCheap(): Promise<ProbeResults> {
    for (const name of ['cpu', 'memory', 'thermal'] as const) await this.#read(name)
    return this.results
  }

  async stop(): Promise<void> {
    await this.#schedule.stop()
  }

  async #read(name: ProbeName): Promise<void> {
    const { probes, roots, log } = this.#options
    if (name === 'link') {
      const result = await runProbe(probes.link, { roots, log })
      // An absent or failed measurement does not unmake the figures of an earlier one.
      if (result.status === 'ok') this.#series.add(result.values, result.measuredAt)
      if (result.status === 'ok' || this.#results.link === undefined) this.#results.link = result
      return
    }
    this.#results[name] = await runProbe<unknown>(probes[name], { roots, log })
  }
}
