import type { LinkFigures } from '../protocol/urp.ts'
import { Backoff } from '../runtime/backoff.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/seeded-random.ts'
import type { Stoppable } from '../runtime/shutdown.ts'
import type { CostLedger } from './cost/cost-ledger.ts'
import { LinkSeries } from './measure/link/link-series.ts'
import { type BoardRoots, type ProbeResult, runProbe } from './measure/probe.ts'
import type { ProbeName, ProbeResults, Probes } from './measure/registry.ts'
import { ProbeSchedule } from './measure/schedule.ts'

/** A board without its computing rate serves nobody: the next scheduled run may be hours away. */
const RETRY_MS_FIRST = 30_000
const RETRY_MS_MAX = 600_000

export interface MeasurementsOptions {
  readonly probes: Probes
  readonly roots: BoardRoots
  readonly link: string
  readonly schedules: { readonly compute: string; readonly link: string }
  readonly random: Random
  /** What is known of the link; of these measurements alone where left out. */
  readonly series?: LinkSeries
  /** Told what each probe took. */
  readonly cost: Pick<CostLedger, 'add'>
  readonly onFailed: (failure: { readonly probe: ProbeName; readonly reason: string }) => void
  readonly log: Logger
}

/** What a few files of the kernel tell. */
const CHEAP_PROBES = [
  'cpu',
  'memory',
  'pressure',
  'thermal',
  'throttle',
  'power',
  'powerMode',
  'gpu',
  'emc',
  'network',
] as const satisfies readonly ProbeName[]

/** The newest result of every probe: the cheap ones when asked, the heavy ones on schedule. */
export class Measurements implements Stoppable {
  readonly #options: MeasurementsOptions
  readonly #schedule: ProbeSchedule
  readonly #series: LinkSeries
  readonly #backoff: Backoff
  readonly #ending = new AbortController()
  #retry: NodeJS.Timeout | undefined
  #results: Partial<Record<ProbeName, ProbeResult<unknown>>> = {}

  constructor(options: MeasurementsOptions) {
    this.#options = options
    this.#series = options.series ?? new LinkSeries()
    const { schedules, random, log } = options
    this.#backoff = new Backoff({ firstMs: RETRY_MS_FIRST, limitMs: RETRY_MS_MAX, random })
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
    for (const name of CHEAP_PROBES) await this.#read(name)
    return this.results
  }

  /** A probe that is under way is given up: it may have minutes to go. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the agent stops'))
    clearTimeout(this.#retry)
    await this.#schedule.stop()
  }

  async #read(name: ProbeName): Promise<void> {
    const { probes, roots, cost, log } = this.#options
    const { signal } = this.#ending
    if (name === 'link') {
      const result = await runProbe(probes.link, { roots, log, signal })
      cost.add(name, result.cost ?? {})
      // An absent or failed measurement does not unmake the figures of an earlier one.
      if (result.status === 'ok') this.#series.add(result.values, result.measuredAt)
      if (result.status === 'ok' || this.#results.link === undefined) this.#results.link = result
      return
    }
    const result = await runProbe<unknown>(probes[name], { roots, log, signal })
    cost.add(name, result.cost ?? {})
    if (signal.aborted) return
    if (name === 'compute') this.#retryWhenFailed(result)
    // The next measurement of the rate is hours away; what the others read changes all the time.
    const isOlderBetter = name === 'compute' && this.#results.compute?.status === 'ok'
    if (result.status === 'ok' || !isOlderBetter) this.#results[name] = result
  }

  #retryWhenFailed(result: ProbeResult<unknown>): void {
    clearTimeout(this.#retry)
    if (result.status !== 'failed') {
      this.#backoff.reset()
      return
    }
    this.#options.onFailed({ probe: 'compute', reason: result.reason })
    this.#retry = setTimeout(() => void this.measureNow('compute'), this.#backoff.nextMs())
    this.#retry.unref()
  }
}
