import { lecunNormal } from '../../../../training/models/initial-weights.ts'
import { activate, linear } from '../../../../training/models/layers.ts'
import { ModelBuilder } from '../../../../training/models/model-builder.ts'

/** What the networks make of a choice that the mask leaves out. */
export const LEFT_OUT = -1e9

/** An actor and two critics over choices, some of which cannot be made. */
export function buildChoiceNetworks(sizes: {
  readonly features: number
  readonly choices: number
  readonly hiddenSize: number
  readonly seed: number
}) {
  const { features, choices, hiddenSize, seed } = sizes
  const build = (offset: number) => {
    const model = new ModelBuilder({ name: 'choices', seed: seed + offset })
    const observed = model.input('features', [features])
    const mask = model.input('mask', [choices])
    const first = { name: 'hidden.0', size: hiddenSize, initial: lecunNormal }
    const hidden = activate(model, linear(model, observed, first), 'tanh')
    const last = { name: 'output', size: choices, initial: lecunNormal }
    const isThere = model.node('Greater', [mask, model.graph.scalar(0.5, mask)])
    const told = linear(model, hidden, last)
    return model.finish([
      model.node('Where', [isThere, told, model.graph.scalar(LEFT_OUT, told)], { output: 'told' }),
    ])
  }
  return { actor: build(0), critics: [build(1), build(2)] as const }
}
