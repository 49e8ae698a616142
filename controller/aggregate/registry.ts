import type { ControllerConfig } from '../../config/controller-schema.ts'
import type { AggregationRule } from './aggregation-rule.ts'
import { coordinateMedian, trimmedMean } from './coordinate-rules.ts'
import { fedAvg } from './fed-avg.ts'
import { geometricMedian } from './geometric-median.ts'
import { multiKrum } from './krum.ts'
import { fedAdam, fedAvgM, fedYogi } from './server-optimizers.ts'

type AggregationConfig = ControllerConfig['aggregation']

/** A new rule is a name in config/, a file here and a line below. */
const RULES: {
  readonly [Rule in AggregationConfig['rule']]: (config: AggregationConfig) => AggregationRule
} = {
  'fed-avg':
    () =>
    ({ updates }) => ({ parameters: fedAvg(updates), moments: [], leftOut: [] }),
  'fed-avg-m': fedAvgM,
  'fed-adam': fedAdam,
  'fed-yogi': fedYogi,
  'trimmed-mean': trimmedMean,
  'coordinate-median': () => coordinateMedian,
  krum: ({ liarsMax }) => multiKrum({ liarsMax, kept: 1 }),
  'multi-krum': multiKrum,
  'geometric-median': () => geometricMedian,
}

export function aggregationRuleOf(config: AggregationConfig): AggregationRule {
  return RULES[config.rule](config)
}
