import { GainnetError } from '../../runtime/errors.ts'
import { type ForwardModel, readForwardModel } from '../forward-graph.ts'
import type { ModelInput } from '../model-input.ts'

/** The input of a critic that is not part of the observation. */
export const ACTION = 'action'

/** An actor and its two critics, as training sees them. */
export interface SacModels {
  /** Its prediction is [batch, …, 2 · size]: the distribution of an action of [batch, …, size]. */
  readonly actor: ForwardModel
  /** They take what the actor takes, and `action`; their prediction is [batch, 1]. */
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
  for (const critic of [first, second]) checkInputs(actor, critic)
  return { actor, critics: [first, second] }
}

function checkInputs(actor: ForwardModel, critic: ForwardModel): void {
  const observed = critic.inputs.filter(({ name }) => name !== ACTION)
  const isSame =
    describe(observed) === describe(actor.inputs) && observed.length < critic.inputs.length
  if (isSame) return
  throw new GainnetError(
    'MODEL_INVALID',
    `a critic takes ${describe(actor.inputs)} and ${ACTION}, not ${describe(critic.inputs)}`,
  )
}

function describe(inputs: readonly ModelInput[]): string {
  return inputs
    .map(({ name, sampleShape }) => `${name} [${sampleShape}]`)
    .toSorted()
    .join(', ')
}
