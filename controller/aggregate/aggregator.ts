import type { ControllerConfig } from '../../config/controller-schema.ts'
import type { ModelLibrary, Moments } from '../models/model-library.ts'
import type { AggregationRule } from './aggregation-rule.ts'
import { aggregationRuleOf } from './registry.ts'

/** An update as it came: parameters, or what is to be added to those of the current version. */
export interface ReceivedUpdate {
  readonly values: Float32Array
  readonly form: 'whole' | 'change'
  readonly exampleCount: number
}

export interface NextVersion {
  readonly parameters: Float32Array
  readonly moments: Moments
  /** Indices of the updates that the rule took nothing of. */
  readonly leftOut: readonly number[]
}

/** Makes a model's next version of the updates of a round, by the rule of the configuration. */
export class Aggregator {
  readonly #library: Pick<ModelLibrary, 'parameters' | 'moments'>
  readonly #name: string
  readonly #rule: AggregationRule

  constructor(o: {
    readonly config: ControllerConfig['aggregation']
    readonly library: Pick<ModelLibrary, 'parameters' | 'moments'>
  }) {
    this.#library = o.library
    this.#name = o.config.rule
    this.#rule = aggregationRuleOf(o.config)
  }

  /** All updates must be trained from the current version. ROUND_FAILED says why there is no next. */
  async next(modelId: string, updates: readonly ReceivedUpdate[]): Promise<NextVersion> {
    const current = await this.#library.parameters(modelId)
    const whole = updates.map(({ values, form, exampleCount }) => ({
      parameters:
        form === 'whole' ? values : values.map((change, at) => (current[at] ?? 0) + change),
      exampleCount,
    }))
    const before = await this.#library.moments(modelId, this.#name)
    const { parameters, moments, leftOut } = this.#rule({
      current,
      updates: whole,
      moments: before,
    })
    return { parameters, moments: { rule: this.#name, values: moments }, leftOut }
  }
}
