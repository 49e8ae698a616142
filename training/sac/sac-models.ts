import { GainnetError } from '../../runtime/errors.ts'
import { type ForwardModel, readForwardModel } from '../forward/forward-graph.ts'
import type { ModelInput } from '../forward/model-input.ts'

/** The input of a critic that is not part of the observation. */
export const ACTION = 'action'

/** An actor and its two critics, as training sees them. */
export interface SacModels {
  /**
   * continuous: the actor's prediction is [batch, …, 2 · size], the distribution of an action of [batch,
   * …, size]; critics take what it takes, and `action`, and their prediction is [batch, 1].
   *
   * discrete: the actor's prediction is [batch, choices], logits; critics take what it takes, and their
   * prediction is the value of each choice. A choice that cannot be made has a logit of −10⁹.
   */
  readonly actions: 'continuous' | 'discrete'
  readonly actor: ForwardModel
  readonly critics: readonly [ForwardModel, ForwardModel]
}

/** Any three ONNX models do that fit one another: their inputs are matched by name. */
export function readSacModels(files: {
  readonly actor: Uint8Array
  readonly critics: readonly [Uint8Array, Uint8Array]
}): SacModels {
  const actor = readForwardModel(files.actor)
  const [first, second] = files.critics.map(bytes => readForwardModel(bytes))
  if (!first || !second) throw new RangeError('there are two critics')
  const takesAction = first.inputs.some(({ name }) => name === ACTION)
  for (const critic of [first, second]) checkInputs(actor, critic, takesAction)
  return { actions: takesAction ? 'continuous' : 'discrete', actor, critics: [first, second] }
}

function checkInputs(actor: ForwardModel, critic: ForwardModel, takesAction: boolean): void {
  const observed = critic.inputs.filter(({ name }) => name !== ACTION)
  const isSame =
    describe(observed) === describe(actor.inputs) &&
    observed.length < critic.inputs.length === takesAction
  if (isSame) return
  throw new GainnetError(
    'MODEL_INVALID',
    `a critic takes ${describe(actor.inputs)}${takesAction ? ` and ${ACTION}` : ''}, ` +
      `not ${describe(critic.inputs)}`,
  )
}

function describe(inputs: readonly ModelInput[]): string {
  return inputs
    .map(({ name, sampleShape }) => `${name} [${sampleShape}]`)
    .toSorted()
    .join(', ')
}
