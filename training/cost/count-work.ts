import { readTrainingArtifact, stateTensors } from '../forms/artifact-metadata.ts'
import { decodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto } from '../onnx/onnx-proto.ts'
import { nodeWork } from './node-work.ts'
import { typedNodes } from './typed-nodes.ts'
import { addWork, NO_WORK, type WorkCounts } from './work-counts.ts'

/** All work of one run of a graph, with the sizes of its open axes. */
export function graphWork(graph: GraphProto, open: Readonly<Record<string, number>>): WorkCounts {
  return typedNodes(graph, open).reduce(
    (sum, one) => addWork(sum, nodeWork(one), one.trips),
    NO_WORK,
  )
}

export interface TrainingWork {
  /** What each step takes. */
  readonly step: WorkCounts
  /** What each run takes besides its steps: parameters and slots go in and come out. */
  readonly run: WorkCounts
}

/** The work of training by an artifact. */
export function trainingWork(artifact: Uint8Array): TrainingWork {
  const { graph } = decodeModel(artifact)
  if (!graph) throw new RangeError('the artifact has no graph')
  const { parameters } = readTrainingArtifact(artifact)
  const stateBytes = parameters.reduce(
    (sum, parameter) =>
      sum + Float32Array.BYTES_PER_ELEMENT * parameter.count * stateTensors(parameter).length,
    0,
  )
  const step = graphWork(graph, { samples: 1, steps: 1 })
  return { step, run: { ...NO_WORK, stateBytes } }
}
