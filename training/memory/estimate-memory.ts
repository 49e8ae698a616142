import { readTrainingArtifact, stateTensors } from '../forms/artifact-metadata.ts'
import { decodeModel } from '../onnx/onnx-codec.ts'
import { elementCount } from '../onnx/tensor.ts'
import { liveBytes } from './live-bytes.ts'

/** What a job brings beside its artifact. */
export interface JobShape {
  readonly sampleCount: number
}

export interface MemoryEstimate {
  /** Resident memory of the trainer process at its worst moment. */
  readonly bytes: number
  readonly parts: {
    /** Node.js, ONNX Runtime and this engine, and garbage that waits for its collector. */
    readonly process: number
    /** The data set, and the message in which it came. */
    readonly data: number
    /** Parameters, slots and averages, with their copies. */
    readonly states: number
    /** Values between the nodes at the moment when they take the most. */
    readonly activations: number
    /** The ORT session: its graph and the constants of the artifact. */
    readonly session: number
  }
}

const KIB = 1024
const MIB = 1024 * KIB
const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT

/** A trainer that is ready, compiled (x64, Node.js 20, onnxruntime-node 1.27): 68 MiB. */
const READY_BYTES = 68 * MIB
/** The sources are run through tsx, which development does and a board does not. */
const SOURCES_BYTES = import.meta.url.endsWith('.ts') ? 34 * MIB : 0
/** What the first session adds whatever its graph, and garbage of the runs. */
const WARM_BYTES = (25 + 20) * MIB
/** Of a node in ONNX Runtime, with its kernel. */
const NODE_BYTES = 15 * KIB
/** What runs hold free between values of different sizes. */
const FRAGMENTATION = 1.05
/** The message and its arrays. */
const DATA_COPIES = 2
/** The message, the file read, and the tensors of the session. */
const ARTIFACT_COPIES = 3
/** What goes into a run, what the Scan made of it and gives out, and its copy by the binding. */
const STATE_COPIES = 3.5

/**
 * What training by this artifact takes at its worst moment, before anything is started. The numbers
 * were fitted to measured peaks; a test holds them within a quarter of what processes really took.
 */
export function estimateMemory(artifact: Uint8Array, job: JobShape): MemoryEstimate {
  const metadata = readTrainingArtifact(artifact)
  const { graph } = decodeModel(artifact)
  if (!graph) throw new RangeError('the artifact has no graph')
  const { peakBytes, nodeCount } = liveBytes(graph, { samples: job.sampleCount, steps: 1 })
  const stateBytes = metadata.parameters.reduce(
    (sum, parameter) => sum + FLOAT_BYTES * parameter.count * stateTensors(parameter).length,
    0,
  )
  const { samples, labels } = metadata.inputs
  const sampleBytes = [...samples, ...(labels ? [labels] : [])].reduce(
    (sum, { sampleShape }) => sum + FLOAT_BYTES * elementCount(sampleShape),
    0,
  )
  const parts = {
    process: READY_BYTES + SOURCES_BYTES + WARM_BYTES,
    data: DATA_COPIES * sampleBytes * job.sampleCount,
    states: STATE_COPIES * stateBytes,
    // The outputs of the Scan are among the states.
    activations: Math.round(FRAGMENTATION * Math.max(0, peakBytes - stateBytes)),
    session: ARTIFACT_COPIES * artifact.length + NODE_BYTES * nodeCount,
  }
  return { bytes: Object.values(parts).reduce((a, b) => a + b, 0), parts }
}
