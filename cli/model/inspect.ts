import { GainnetError } from '../../runtime/errors.ts'
import { buildTrainingArtifact } from '../../training/forms/training-artifact.ts'
import { describeModel, type ModelDescription } from '../../training/inspection/describe-model.ts'
import { findObstacles, type Obstacle } from '../../training/inspection/obstacles.ts'
import { type Trainability, tryTraining } from '../../training/inspection/trainability.ts'
import { estimateMemory, type MemoryEstimate } from '../../training/memory/estimate-memory.ts'
import { decodeModel } from '../../training/onnx/onnx-codec.ts'
import { readModelFile } from './model-file.ts'
import { specialized } from './specialized-model.ts'
import { shortBytes, shortNumber, textTable } from './text-table.ts'
import type { Trainable } from './training-plan.ts'

export interface InspectOptions {
  readonly batch: number
  readonly output?: string
  readonly trainable?: readonly string[]
  readonly frozen?: readonly string[]
  readonly size?: Readonly<Record<string, number>>
  readonly fix?: Readonly<Record<string, number>>
  readonly json?: boolean
}

export async function runInspect(file: string, options: InspectOptions): Promise<void> {
  const bytes = specialized(await readModelFile(file), options)
  const model = decodeModel(bytes)
  if (!model.graph) throw new GainnetError('MODEL_INVALID', `${file} has no graph`)
  const description = describeModel({ ...model, graph: model.graph })
  const training = tryTraining(bytes, options)
  const obstacles = findObstacles({ ...model, graph: model.graph })
  const memory = training.isTrainable ? memoryOf(bytes, training) : undefined
  const report = {
    file,
    byteCount: bytes.byteLength,
    ...description,
    training,
    ...(memory ? { memory } : {}),
    notes: obstacles,
  }
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : inspectText(report))
}

/** With what most people take first: Adam, and a loss that suits any output. */
function memoryOf(bytes: Uint8Array, { batch, prediction, trainable }: Trainable): MemoryEstimate {
  const artifact = buildTrainingArtifact(bytes, {
    loss: 'mean-squared-error',
    optimizer: { kind: 'adam' },
    batch,
    prediction,
    trainable,
  })
  return estimateMemory(artifact.bytes, { sampleCount: batch })
}

type Report = ModelDescription & {
  readonly file: string
  readonly byteCount: number
  readonly training: Trainability
  readonly memory?: MemoryEstimate
  readonly notes: readonly Obstacle[]
}

function inspectText(report: Report): string {
  return [headText(report), parameterText(report), operatorText(report), trainingText(report)].join(
    '\n',
  )
}

function headText({
  file,
  byteCount,
  irVersion,
  opsets,
  producer,
  inputs,
  outputs,
}: Report): string {
  const value = ({ name, elementType, shape }: Report['inputs'][number]) =>
    `${name} ${elementType} [${shape?.join(', ') ?? 'no shape'}]`
  const sets = opsets.map(({ domain, version }) => `${domain || 'ai.onnx'} ${version}`).join(', ')
  return textTable([
    ['file', `${file}, ${shortBytes(byteCount)}`],
    ['format', `IR version ${irVersion}, operator set ${sets}`],
    ['producer', producer || 'not stated'],
    ...inputs.map((input, index) => [index === 0 ? 'inputs' : '', value(input)]),
    ...outputs.map((output, index) => [index === 0 ? 'outputs' : '', value(output)]),
  ])
}

function parameterText({ parameters }: Report): string {
  const { count, byteCount, groups } = parameters
  const rows = groups
    .slice(0, 20)
    .map(group => [
      group.name,
      group.tensorCount,
      shortNumber(group.count),
      shortBytes(group.byteCount),
    ])
  const more = groups.length > 20 ? `  and ${groups.length - 20} more groups\n` : ''
  return `PARAMETERS  ${shortNumber(count)} in ${shortBytes(byteCount)}\n${textTable(rows)}${more}`
}

function operatorText({ operators, withoutRule }: Report): string {
  const name = ({ domain, opType }: { domain: string; opType: string }) =>
    domain === '' ? opType : `${domain}.${opType}`
  const all = operators.map(operator => `${operator.count} ${name(operator)}`).join(', ')
  const missing = withoutRule.map(operator => [
    name(operator),
    operator.count,
    operator.nodes.slice(0, 3).join(', ') + (operator.nodes.length > 3 ? ', …' : ''),
  ])
  const rules =
    missing.length === 0
      ? 'All have a gradient rule.\n'
      : `Without a gradient rule:\n${textTable(missing)}`
  return `OPERATORS  ${all}\n${rules}`
}

function trainingText({ training, memory, notes }: Report): string {
  const lines = notes.map(({ what, advice }) => `  * ${what}\n    ${advice}\n`)
  if (!training.isTrainable) {
    const reason = `TRAINING  not as it is: ${training.reason}\n`
    return reason + lines.join('')
  }
  const { flopsPerSample, tensorCount, parameterCount, prediction, batch } = training
  const table = textTable([
    ['trained', `${tensorCount} tensors with ${shortNumber(parameterCount)} parameters`],
    ['output', prediction],
    ['batch', String(batch)],
    ['memory', memory ? `${shortBytes(memory.bytes)} and the data set, with Adam` : 'not known'],
    [
      'a sample',
      `${flopText(flopsPerSample.forward)} forward, ${flopText(flopsPerSample.training)} in training`,
    ],
  ])
  return `TRAINING  can be trained as it is\n${table}${lines.join('')}`
}

/** 201 MFLOP, and 16 FLOP. */
function flopText(count: number): string {
  return count < 1000 ? `${Math.round(count)} FLOP` : `${shortNumber(count)}FLOP`
}
