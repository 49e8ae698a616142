import type { FittedSamples } from '../../training/datasets/fit-samples.ts'
import type { Evaluation } from '../../training/trainer/evaluator.ts'
import { lossChart } from './loss-chart.ts'
import type { TrainedRun } from './train-epochs.ts'
import type { TrainOptions } from './train-options.ts'
import type { Trainable } from './training-plan.ts'

export function lossTable({ losses, stepBefore }: TrainedRun): string {
  const rows = losses.map((loss, index) => `${stepBefore + index + 1},${loss}\n`)
  return `step,loss\n${rows.join('')}`
}

export function beginText(given: {
  readonly file: string
  readonly plan: Trainable
  readonly training: FittedSamples
  readonly heldBack: FittedSamples | undefined
  readonly options: TrainOptions
}): string {
  const { file, plan, training, heldBack, options } = given
  const left = plan.withoutGradient.length
  return (
    `${file}: training ${plan.tensorCount} tensors, ${plan.parameterCount} parameters, on ` +
    `${training.sampleCount} samples${heldBack ? `, ${heldBack.sampleCount} held back` : ''}\n` +
    (plan.batch === options.batch
      ? ''
      : `its batch is ${plan.batch} in the file: a step adds up several\n`) +
    (left === 0 ? '' : `${left} tensors do not reach ${plan.prediction} and stay as they are\n`)
  )
}

export interface Outcome {
  readonly file: string
  readonly options: TrainOptions
  readonly run: TrainedRun
  readonly before: Evaluation | undefined
  readonly after: Evaluation | undefined
  readonly plan: Trainable
  readonly training: FittedSamples
  readonly heldBack: FittedSamples | undefined
  readonly classNames: readonly string[] | undefined
}

export function report(outcome: Outcome): void {
  const { options } = outcome
  process.stdout.write(
    options.json ? `${JSON.stringify(outcomeJson(outcome))}\n` : outcomeText(outcome),
  )
}

function outcomeJson({
  file,
  options,
  run,
  before,
  after,
  plan,
  training,
  heldBack,
  classNames,
}: Outcome) {
  const { losses, stepBefore, isInterrupted, seconds, cpuSeconds } = run
  return {
    file,
    out: options.out,
    seed: options.seed,
    loss: options.loss,
    optimizer: options.optimizer,
    learningRate: options.learningRate,
    batch: options.batch,
    parameterCount: plan.parameterCount,
    sampleCount: training.sampleCount,
    heldBackCount: heldBack?.sampleCount ?? 0,
    ...(classNames ? { classNames } : {}),
    stepBefore,
    steps: losses.length,
    isInterrupted,
    seconds,
    cpuSeconds,
    losses,
    ...(before && after ? { validation: { before, after } } : {}),
  }
}

function outcomeText({ options, run, before, after, classNames }: Outcome): string {
  const { losses, isInterrupted, seconds, cpuSeconds } = run
  const first = losses[0]?.toPrecision(4)
  const last = losses.at(-1)?.toPrecision(4)
  const ended = isInterrupted ? 'stopped' : 'done'
  return [
    losses.length > 1 ? `${lossChart(losses)}\n` : '',
    `${ended} after ${losses.length} steps in ${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} s of processor time): `,
    `loss ${first} → ${last}\n`,
    before && after ? `held back: ${evaluationText(before)} → ${evaluationText(after)}\n` : '',
    classNames
      ? `classes: ${classNames.map((name, index) => `${index} ${name}`).join(', ')}\n`
      : '',
    `written: ${options.out}${options.log ? `, ${options.log}` : ''}\n`,
  ].join('')
}

export function evaluationText({ lossMean, accuracy }: Evaluation): string {
  const percent = accuracy === undefined ? '' : `, accuracy ${(100 * accuracy).toFixed(2)} %`
  return `loss ${lossMean.toPrecision(4)}${percent}`
}
