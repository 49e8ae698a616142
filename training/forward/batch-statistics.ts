import { GainnetError } from '../../runtime/errors.ts'
import { attr, intAttribute } from '../onnx/attribute.ts'
import type { GraphProto, NodeProto } from '../onnx/onnx-proto.ts'

/**
 * How BatchNormalization trains. 'frozen': by the running mean and variance of the file, which stay as
 * they are, so that what is trained is what will run; right for the small, one-sided batches of a
 * device. 'training': by mean and variance of each batch, and the running ones follow (Ioffe and
 * Szegedy 2015; Operators.md, BatchNormalization-15): running ← m · running + (1 − m) · batch.
 */
export type BatchNormalizationMode = 'frozen' | 'training'

/** A running mean or variance: moved by the forward pass, not by the optimizer. */
export interface RunningStatistic {
  /** Of the initializer. */
  readonly name: string
  /** The value that holds it after a batch. */
  readonly updated: string
}

/**
 * The graph with every BatchNormalization in the mode, or in that of the file where none is given:
 * exports for inference, which is nearly all, are frozen.
 */
export function withBatchStatistics(
  graph: GraphProto,
  mode: BatchNormalizationMode | undefined,
): { readonly graph: GraphProto; readonly statistics: readonly RunningStatistic[] } {
  const initialized = new Set(graph.initializer.map(({ name = '' }) => name))
  const statistics: RunningStatistic[] = []
  const node = graph.node.map(given => {
    if (!isBatchNormalization(given)) return given
    if ((mode ?? modeOf(given)) === 'frozen') return withRunningStatistics(given)
    const [, , , ...names] = given.input
    const stray = names.find(name => !initialized.has(name))
    if (stray !== undefined) refuse(given, `its statistic ${stray} is no initializer`)
    const updated = names.map((name, index) => given.output[index + 1] || `${name}.updated`)
    for (const [index, name] of names.entries()) {
      if (statistics.some(known => known.name === name))
        refuse(given, `${name} serves another, too`)
      statistics.push({ name, updated: updated[index] ?? '' })
    }
    const attribute = given.attribute.filter(({ name }) => name !== 'training_mode')
    const output = [given.output[0] ?? '', ...updated]
    return { ...given, output, attribute: [...attribute, attr.int('training_mode', 1)] }
  })
  return { graph: { ...graph, node }, statistics }
}

/** Any node as it runs outside of training: by the running statistics. */
export function withRunningStatistics(node: NodeProto): NodeProto {
  if (!isBatchNormalization(node) || modeOf(node) === 'frozen') return node
  const attribute = node.attribute.filter(({ name }) => name !== 'training_mode')
  return { ...node, output: node.output.slice(0, 1), attribute }
}

/** For what gives gradients only, takes a part of the model only, or adds up several batches. */
export function refuseStatistics(
  parameters: readonly { readonly name: string; readonly updated?: string }[],
  form: string,
): void {
  const statistic = parameters.find(({ updated }) => updated !== undefined)
  if (!statistic) return
  throw new GainnetError(
    'MODEL_INVALID',
    `${form} cannot carry over the running statistic ${statistic.name}: freeze BatchNormalization ` +
      "(batchNormalization: 'frozen')",
    { parameter: statistic.name },
  )
}

function isBatchNormalization({ opType, domain = '' }: NodeProto): boolean {
  return opType === 'BatchNormalization' && domain === ''
}

function modeOf(node: NodeProto): BatchNormalizationMode {
  return intAttribute(node, 'training_mode', 0) === 0 ? 'frozen' : 'training'
}

function refuse({ name }: NodeProto, why: string): never {
  throw new GainnetError(
    'MODEL_INVALID',
    `node ${name} (BatchNormalization) cannot train by the statistics of its batches: ${why}`,
    { node: name },
  )
}
