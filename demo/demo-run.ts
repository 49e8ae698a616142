import { dirname } from 'node:path'
import { createLogger, type Logger } from '../runtime/logger.ts'
import { PartStack, SAME_WISH_MS } from '../runtime/shutdown.ts'
import { TrainerProcess } from '../training/trainer/trainer-process.ts'
import { DEMO_CLOCK, logFileOf, type RunFolder, stateDirectoryOf } from './demo-config.ts'
import { DemoFleet } from './demo-fleet.ts'
import { layOutText } from './demo-text.ts'
import { emptyView, type FleetView, type ModelView, roundsRun } from './fleet-view.ts'
import { FleetWatch } from './fleet-watch.ts'
import type { Presenter } from './presenter.ts'
import { buildReport, type DemoReport, type ModelSamples } from './report.ts'
import { generateLine, readStoredModel, type StoredModel } from './text-samples.ts'

/** The agents are ready by then: what is left is their first URP and the start of a round. */
const FIRST_ROUND_MS_MAX = 60_000
/** Models are opened before the controller says anything; their manifests follow at once. */
const MANIFESTS_MS_MAX = 30_000
const EVALUATION_MS_MAX = 30_000
/** Rounds last what the clock says; this is for a machine that stands still for a while. */
const ROUNDS_GRACE_MS = 60_000
/** Agents are ended together and the controller after them, with the bound of each. */
const STOP_MS_MAX = 20_000
/** Beyond what the longest run says. */
const LOG_BYTES_MAX = 16 * 2 ** 20
const PROMPT = 'The '

export interface DemoRunOptions {
  readonly rounds: number
  readonly agents: number
  readonly broker: 'embedded' | 'mosquitto'
  readonly folder: RunFolder
  readonly presenter: Presenter
}

/** One run from the text on disk to the report; ends at any moment when it is interrupted. */
export class DemoRun {
  readonly #options: DemoRunOptions
  readonly #log: Logger
  readonly #parts: PartStack
  readonly #startedAt = performance.now()
  #watch: FleetWatch | null = null
  #fleet: DemoFleet | null = null
  #trainer: TrainerProcess | null = null
  #interruptedAt: number | null = null

  constructor(options: DemoRunOptions) {
    this.#options = options
    const path = logFileOf(options.folder, 'demo')
    const file = { path, bytesMax: LOG_BYTES_MAX, filesKept: 0 }
    this.#log = createLogger({ daemon: 'demo', level: 'info', file })
    this.#parts = new PartStack(this.#log)
  }

  get isInterrupted(): boolean {
    return this.#interruptedAt !== null
  }

  async report(): Promise<DemoReport> {
    const { presenter, rounds, agents } = this.#options
    const agentIds = Array.from({ length: agents }, (_, index) => `agent-${index + 1}`)
    presenter.event({ tone: 'note', text: 'looking for text below node_modules' })
    const models = await layOutText(this.#options.folder, agentIds)
    this.#throwIfInterrupted()
    const view = emptyView({ roundsWanted: rounds, agentIds, models })
    const watch = new FleetWatch(view, event => presenter.event(event))
    this.#watch = watch
    const { folder, broker } = this.#options
    presenter.watch(watch, dirname(logFileOf(folder, 'demo')))
    const options = { folder, agentIds, models, rounds, broker, watch, log: this.#log }
    this.#fleet = this.#parts.add('fleet', new DemoFleet(options))
    await this.#fleet.start()
    const before = await this.#firstVersions(watch)
    await waitForRounds(watch, rounds)
    const durationMs = performance.now() - this.#startedAt
    await this.#fleet.stop()
    watch.throwIfFailed()
    const samples = await this.#samples(before, watch.view)
    return buildReport(watch.view, { samples, durationMs })
  }

  /** Ends every wait; asked for once more, ends everything at once. */
  interrupt(): void {
    const nowMs = performance.now()
    if (this.#interruptedAt !== null) {
      if (nowMs - this.#interruptedAt < SAME_WISH_MS) return
      this.#fleet?.kill()
      this.#trainer?.kill()
      return
    }
    this.#interruptedAt = nowMs
    const text = 'ending all daemons; Ctrl-C once more ends them at once'
    this.#watch?.tell({ tone: 'note', text })
    this.#watch?.fail(new Error('interrupted'))
    this.#trainer?.kill()
  }

  /** May be called twice. */
  stop(): Promise<void> {
    return this.#parts.stop(STOP_MS_MAX)
  }

  #throwIfInterrupted(): void {
    if (this.isInterrupted) throw new Error('interrupted')
  }

  /** Read at once: the controller keeps only so many versions. */
  async #firstVersions(watch: FleetWatch): Promise<ReadonlyMap<string, StoredModel>> {
    await watch.waitFor(
      ({ models }) => [...models.values()].every(({ versionNumber }) => versionNumber !== null),
      { ms: MANIFESTS_MS_MAX, what: 'the first version of each model' },
    )
    const versions = new Map<string, StoredModel>()
    for (const modelId of watch.view.models.keys()) {
      versions.set(modelId, await this.#storedModel(modelId, 0))
    }
    return versions
  }

  #storedModel(modelId: string, versionNumber: number): Promise<StoredModel> {
    const state = stateDirectoryOf(this.#options.folder, 'controller')
    return readStoredModel(state, { modelId, versionNumber })
  }

  async #samples(
    firstVersions: ReadonlyMap<string, StoredModel>,
    { models }: FleetView,
  ): Promise<ReadonlyMap<string, ModelSamples>> {
    const trainer = this.#parts.add('trainer', await TrainerProcess.start({}))
    this.#trainer = trainer
    this.#throwIfInterrupted()
    const samples = new Map<string, ModelSamples>()
    for (const [modelId, first] of firstVersions) {
      const last = await this.#storedModel(modelId, models.get(modelId)?.versionNumber ?? 0)
      const before = await generateLine(trainer, first, PROMPT)
      samples.set(modelId, { before, after: await generateLine(trainer, last, PROMPT) })
    }
    return samples
  }
}

async function waitForRounds(watch: FleetWatch, rounds: number): Promise<void> {
  await watch.waitFor(({ clock }) => clock !== null, {
    ms: FIRST_ROUND_MS_MAX,
    what: 'the first communication round',
  })
  // What was sensed in the last GAI round is consumed in one communication round more.
  const plannedMs = (rounds + 1) * DEMO_CLOCK.slots * DEMO_CLOCK.slotMs
  await watch.waitFor(({ controller }) => controller === 'finished', {
    ms: plannedMs * 1.5 + ROUNDS_GRACE_MS,
    what: `the controller to finish ${rounds} rounds`,
  })
  await watch.waitFor(isWhole, {
    ms: EVALUATION_MS_MAX,
    what: 'the record of the last round and the evaluation of the last versions',
  })
}

/** The controller has finished before its evaluator has, and records wait for that. */
function isWhole(view: FleetView): boolean {
  return roundsRun(view) === view.roundsWanted && [...view.models.values()].every(isEvaluated)
}

function isEvaluated({ versionNumber, bitsPerByte }: ModelView): boolean {
  return bitsPerByte.has(versionNumber ?? 0)
}
