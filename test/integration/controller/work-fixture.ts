import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Evaluator } from '../../../controller/models/evaluator.ts'
import type { ModelLibrary } from '../../../controller/models/model-library.ts'
import { ModelPublisher } from '../../../controller/models/model-publisher.ts'
import { greedyGainPolicy } from '../../../controller/orchestrate/policies/greedy-gain-policy.ts'
import { LearningCurves } from '../../../controller/rounds/learning-curves.ts'
import { ReportedUploads } from '../../../controller/rounds/reported-uploads.ts'
import { RoundLog } from '../../../controller/rounds/round-log.ts'
import { RoundWork } from '../../../controller/rounds/round-work.ts'
import { SensedRounds } from '../../../controller/rounds/sensed-rounds.ts'
import { BlobPublisher } from '../../../controller/transfer/blob-publisher.ts'
import { hashOf } from '../../../protocol/blocks.ts'
import type { UpdateManifest } from '../../../protocol/update.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { startEmbedded } from '../../support/brokers.ts'
import { WireTap } from '../../support/wire-tap.ts'
import { aggregatorOf, libraryFolder } from '../../unit/models/model-config.ts'
import { NOW_MS } from '../../unit/orchestrate/urps.ts'
import { offerOf } from '../../unit/rounds/plans.ts'
import { CONTROLLER, startWire } from '../wire/wire-fixture.ts'

const OBSERVER = { username: 'watcher', password: 'secret', role: 'observer' } as const
const BATCH = 8

/** What rounds do, on a real broker and disk; nothing is judged, which has its own test. */
export async function startWork() {
  const broker = await startEmbedded({ users: [CONTROLLER, OBSERVER] })
  const { wire, log, lines } = await startWire(broker.port, CONTROLLER)
  const tap = await WireTap.start({ ...OBSERVER, url: broker.url, site: wire.site })
  await tap.isConnected()
  const { stateDirectory, config, open } = libraryFolder()
  const library = await open([config('prose')], { batch: BATCH })
  const ledgerPath = join(stateDirectory, 'published-blobs.json')
  const blobs = await BlobPublisher.open({ wire, ledgerPath, log })
  onTestFinished(() => blobs.stop())
  const evaluator = new Evaluator({ niceness: 0, log })
  await evaluator.stop()
  const logPath = join(stateDirectory, 'rounds.jsonl')
  const work = new RoundWork({
    config: {
      controllerId: 'edge',
      schedule: 'zeros',
      gain: { effectiveSamplesPrior: 50, exponent: 0.35, smoothing: 0.05 },
      training: {
        localEpochs: 1,
        batch: BATCH,
        learningRate: 0.01,
        encoding: 'float32',
        topShare: 1,
        storedSamplesMax: 0,
      },
    },
    policy: greedyGainPolicy,
    wire,
    clock: systemClock,
    random: seededRandom(1),
    library,
    aggregator: aggregatorOf(library),
    publisher: new ModelPublisher({ wire, library, blobs, log }),
    evaluator,
    log,
    roundLog: new RoundLog(logPath),
    curves: new LearningCurves({ effectiveSamplesPrior: 50, exponent: 0.35 }),
  })
  /** Each agent has sensed for the round before: they are given an order each. */
  const order = async (crId: number, ...agentIds: readonly string[]) => {
    const sensed = { grId: crId - 1, modelId: 'prose', sampleCount: 40 }
    const plan = work.plan({
      crId,
      nowMs: NOW_MS,
      slots: 4,
      slotMs: 500,
      maySense: true,
      urps: new Map(agentIds.map(id => [id, { ...offerOf(), crId }])),
      sensed: new Map(agentIds.map(id => [id, sensed])),
    })
    await work.publishAssignments(plan.assignments)
    return plan
  }
  const written = () =>
    readFileSync(logPath, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line))
  const current = () => library.model('prose').current
  const updateOf = (value: number, change: Partial<UpdateManifest> = {}) =>
    updateFor(library, value, change)
  const [sensed, uploads] = [new SensedRounds(), new ReportedUploads()]
  const reported = { sensed, uploads }
  return { work, library, order, updateOf, current, ...reported, tap, written, lines, logPath }
}

/** An update of all parameters to one value, consumed in CR 7. */
export function updateFor(
  library: ModelLibrary,
  value: number,
  change: Partial<UpdateManifest> = {},
): { readonly manifest: UpdateManifest; readonly parameters: Float32Array } {
  const { parameterCount, current } = library.model('prose')
  const parameters = new Float32Array(parameterCount).fill(value)
  const manifest: UpdateManifest = {
    session: 1,
    sequence: 0,
    sentAt: '2026-01-01T00:00:00.000Z',
    grId: 6,
    crId: 7,
    modelId: 'prose',
    baseVersion: current.version,
    sampleCount: 40,
    localSteps: 5,
    lossBefore: 3,
    lossAfter: 2,
    phases: [],
    encoding: 'float32',
    form: 'whole',
    valueCount: parameters.length,
    bytes: parameters.byteLength,
    sha256: hashOf(new Uint8Array(parameters.buffer)),
    blockBytes: 1024,
    blockHashes: [hashOf(new Uint8Array(0))],
    ...change,
  }
  return { manifest, parameters }
}
