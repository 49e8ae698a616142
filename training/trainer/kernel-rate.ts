import { seededRandom } from '../../runtime/seeded-random.ts'
import { buildTrainingArtifact } from '../forms/training-artifact.ts'
import { GraphEmitter } from '../graph/graph-emitter.ts'
import { buildByteLanguageModel } from '../models/byte-language-model.ts'
import { buildModel, OPSET_MAX } from '../onnx/build.ts'
import { ELEMENT } from '../onnx/element-type.ts'
import { encodeModel } from '../onnx/onnx-codec.ts'
import { nextByteSamples } from '../samples/next-byte-samples.ts'
import { type Ort, openOrtSession } from './ort-session.ts'
import { TrainingRun } from './training-run.ts'

/** gemm: what the matrix kernels reach. training-step: what is left of it in real training. */
export type Kernel = 'gemm' | 'training-step'

export interface KernelRate {
  /** Median of the runs, in FLOP per second of wall time. */
  readonly flopsPerSecond: number
  /** Median of the runs, in FLOP per second of CPU time: what the core gives when it is ours alone. */
  readonly flopsPerCpuSecond: number
  /** FLOP per second of wall time of each run, without the discarded warm-up. */
  readonly runs: readonly number[]
  readonly durationMs: number
}

/** Square matrices of a size that leaves the caches as real layers do; 0.27 GFLOP a run. */
const GEMM_SIZE = 512
/** Of the default demo model: some 20 to 50 ms a run on a board. */
const STEPS_PER_RUN = 32
const BATCH = 64
const SEED = 1

interface Workload {
  readonly flopCount: number
  run(): Promise<void>
  release(): Promise<void>
}

export async function measureKernelRate(
  ort: Ort,
  { kernel, runs }: { readonly kernel: Kernel; readonly runs: number },
): Promise<KernelRate> {
  const startedAt = performance.now()
  const workload = await (kernel === 'gemm' ? openGemm(ort) : openTrainingStep(ort))
  const wallRates: number[] = []
  const cpuRates: number[] = []
  try {
    await workload.run()
    for (let count = 0; count < runs; count++) {
      const [wallBefore, cpuBefore] = [performance.now(), process.cpuUsage()]
      await workload.run()
      const { user, system } = process.cpuUsage(cpuBefore)
      wallRates.push((workload.flopCount * 1e3) / (performance.now() - wallBefore))
      cpuRates.push((workload.flopCount * 1e6) / Math.max(1, user + system))
    }
  } finally {
    await workload.release()
  }
  return {
    flopsPerSecond: median(wallRates),
    flopsPerCpuSecond: median(cpuRates),
    runs: wallRates,
    durationMs: performance.now() - startedAt,
  }
}

async function openGemm(ort: Ort): Promise<Workload> {
  const shape = [GEMM_SIZE, GEMM_SIZE]
  const graph = new GraphEmitter()
  const a = graph.declare('a', { elementType: ELEMENT.float, shape })
  const b = graph.declare('b', { elementType: ELEMENT.float, shape })
  // One number comes out, so that copying the product is not measured.
  const total = graph.sum(graph.matMul(a, b), [0, 1])
  const proto = graph.finish({ name: 'gemm', inputs: [a, b], outputs: [total] })
  const bytes = encodeModel(buildModel({ graph: proto, opset: OPSET_MAX }))
  const ortSession = await openOrtSession(ort, bytes)
  const random = seededRandom(SEED)
  const matrix = () => {
    const values = Float32Array.from({ length: GEMM_SIZE ** 2 }, () => random() - 0.5)
    return new ort.Tensor('float32', values, shape)
  }
  const feeds = { a: matrix(), b: matrix() }
  return {
    flopCount: 2 * GEMM_SIZE ** 3,
    run: async () => {
      await ortSession.run(feeds)
    },
    release: () => ortSession.release(),
  }
}

async function openTrainingStep(ort: Ort): Promise<Workload> {
  const contextBytes = 16
  const model = buildByteLanguageModel({
    contextBytes,
    embeddingSize: 16,
    hiddenSizes: [128],
    seed: SEED,
  })
  const { bytes, initialParameters, flopsPerSample } = buildTrainingArtifact(model, {
    loss: 'softmax-cross-entropy',
    optimizer: { kind: 'adam' },
    batch: BATCH,
  })
  const random = seededRandom(SEED)
  const samplesMax = BATCH * STEPS_PER_RUN
  const text = Uint8Array.from({ length: samplesMax + contextBytes }, () => random() * 256)
  const training = await TrainingRun.open(ort, {
    artifact: bytes,
    parameters: initialParameters,
    ...nextByteSamples(text, { contextBytes, samplesMax }),
    seed: SEED,
  })
  return {
    flopCount: flopsPerSample * BATCH * STEPS_PER_RUN,
    run: async () => {
      await training.step({ steps: STEPS_PER_RUN, learningRate: 0.001 })
    },
    release: () => training.release(),
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}
