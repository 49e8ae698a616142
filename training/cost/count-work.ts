import { readTrainingArtifact, stateTensors } from '../forms/artifact-metadata.ts'
import { decodeModel } from '../onnx/onnx-codec.ts'
import type { GraphProto } from '../onnx/onnx-proto.ts'
import { nodeWork } from './node-work.ts'
import { type TypedNode, typedNodes } from './typed-nodes.ts'
import { addWork, NO_WORK, type WorkCounts } from './work-counts.ts'

/**
 * What ONNX Runtime needs to start so many nodes (their kernels' code, shapes and places) stays in the
 * caches of a core from one step to the next. Chosen on x64 with 1 MiB of second-level cache.
 */
const NEAR_OPERATORS = 100

/** All work of one run of a graph, with the sizes of its open axes. */
export function graphWork(graph: GraphProto, open: Readonly<Record<string, number>>): WorkCounts {
  const nodes = typedNodes(graph, open)
  const work = nodes.reduce((sum, one) => addWork(sum, nodeWork(one), one.trips), NO_WORK)
  return { ...work, farOperators: farOperators(nodes) }
}

/** Nodes with equal trips stand in one body, or follow one another. */
function farOperators(nodes: readonly TypedNode[]): number {
  const counts = new Map<number, number>()
  for (const { trips } of nodes) counts.set(trips, (counts.get(trips) ?? 0) + 1)
  return [...counts].reduce(
    (sum, [trips, count]) => sum + trips * Math.max(0, count - NEAR_OPERATORS),
    0,
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
