import { GainnetError } from '../../runtime/errors.ts'
import {
  type PreparedTraining,
  prepareTraining,
  type TrainingOptions,
} from '../forms/training-options.ts'
import type { ForwardModel, ParameterInfo } from '../forward/forward-graph.ts'
import { buildSegmentBackward, buildSegmentForward, buildSegmentStep } from './segment-forms.ts'
import { planSegments, type SegmentPlan } from './split-plan.ts'

interface SegmentParameters {
  readonly parameters: readonly ParameterInfo[]
  /** In the order of `parameters`, whose places are in this vector. */
  readonly initialParameters: Float32Array
}

/** A part of the model before the last cut. */
export interface InnerSegment extends SegmentParameters {
  readonly forward: Uint8Array
  /** Undefined where neither it nor anything before it is trained. */
  readonly backward: Uint8Array | undefined
}

/** The part with the loss. */
export interface LastSegment extends SegmentParameters {
  readonly step: Uint8Array
}

export interface SplitForms {
  /** From the model's input on. */
  readonly inner: readonly InnerSegment[]
  readonly last: LastSegment
}

export interface SplitOptions
  extends Pick<
    TrainingOptions,
    'loss' | 'optimizer' | 'batch' | 'trainable' | 'frozen' | 'prediction' | 'batchNormalization'
  > {
  /** Names of the values of each cut, from the model's input on. */
  readonly cuts: readonly (readonly string[])[]
}

/**
 * Split learning (Gupta and Raskar 2018; Vepakomma et al. 2018): the model cut in two or more, each
 * part a set of ONNX files for the machine that holds its parameters. What they do in turn is one
 * step of the whole model.
 *
 * One cut: the server has the loss and sees the labels. Two cuts, the U-shaped form: the device has
 * the first and the last part, and keeps its labels.
 */
export function buildSplitForms(model: Uint8Array, options: SplitOptions): SplitForms {
  const { cuts, ...training } = options
  const prepared = prepareTraining(model, training)
  const plans = planSegments(prepared, cuts)
  const placeOf = (segment: number) => ({ segment, segmentCount: plans.length })
  const inner = plans.slice(0, -1).map((plan, index): InnerSegment => {
    const isTrained = plan.made.some(({ gradient }) => gradient !== undefined)
    return {
      ...parametersOf(prepared.forward, plan),
      forward: buildSegmentForward(prepared, plan, placeOf(index)),
      backward: isTrained ? buildSegmentBackward(prepared, plan, placeOf(index)) : undefined,
    }
  })
  const plan = plans.at(-1)
  if (!plan) throw new RangeError('a split has a last part')
  const judging = withRebuilt(prepared, plan, cuts.length)
  const step = buildSegmentStep(prepared, judging, placeOf(inner.length))
  return { inner, last: { ...parametersOf(prepared.forward, plan), step } }
}

/** A loss that compares with the samples needs them where it stands. */
function withRebuilt(
  { forward, judged }: PreparedTraining,
  plan: SegmentPlan,
  cutCount: number,
): SegmentPlan {
  if (judged.loss.kind !== 'reconstruction') return plan
  if (cutCount === 1) {
    throw new GainnetError(
      'MODEL_INVALID',
      'the loss reconstruction needs the samples: cut twice, so that they stay on the device',
    )
  }
  const { segment } = plan
  const sources = new Set([...segment.sources, forward.inputs[0]?.name ?? ''])
  return { ...plan, segment: { ...segment, sources } }
}

function parametersOf(whole: ForwardModel, { parameters }: SegmentPlan): SegmentParameters {
  const places = new Map(whole.parameters.map(({ name, offset }) => [name, offset]))
  const initialParameters = new Float32Array(parameters.reduce((sum, { count }) => sum + count, 0))
  for (const { name, offset, count } of parameters) {
    const from = places.get(name) ?? 0
    initialParameters.set(whole.initialParameters.subarray(from, from + count), offset)
  }
  return { parameters, initialParameters }
}
