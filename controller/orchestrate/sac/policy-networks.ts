import {
  type ActionScorer,
  type ActionScorerSizes,
  buildActionScorers,
} from '../../../training/models/action-scorer.ts'
import { ACTION_FEATURES } from '../action-features.ts'
import { CANDIDATES } from './candidates.ts'

/** Names of the networks in the file of a policy. */
export const NETWORKS = ['actor', 'critic.0', 'critic.1'] as const
export type NetworkName = (typeof NETWORKS)[number]

export const HIDDEN = 32

const SIZES: ActionScorerSizes = {
  actions: CANDIDATES,
  features: ACTION_FEATURES.length,
  hidden: HIDDEN,
}

/**
 * What the plan of the present view holds an action to be worth beyond idling: its gain, and what it
 * changes afterwards. Both features have the same scale, which is that of the values.
 */
const PRIOR = ACTION_FEATURES.map(name => (name === 'gain' || name === 'look-ahead' ? 1 : 0))

/** 1/α of the first temperature: so an actor begins as the policy in proportion to exp(Q/α). */
export const LOGIT_SCALE = 100

function scorerOf(name: NetworkName): ActionScorer {
  return { name, prior: PRIOR, scale: name === 'actor' ? LOGIT_SCALE : 1 }
}

/** The networks to be trained, each a file; they begin as the plan of the present view. */
export function buildPolicyNetworks(seed: number): {
  readonly actor: Uint8Array
  readonly critics: readonly [Uint8Array, Uint8Array]
} {
  const build = (name: NetworkName, offset: number): Uint8Array =>
    buildActionScorers({ ...SIZES, seed: seed + offset }, [scorerOf(name)])
  return { actor: build('actor', 0), critics: [build('critic.0', 1), build('critic.1', 2)] }
}

/** All three in one file, with what they have learned: parameters by their names. */
export function buildPolicyFile(trained: ReadonlyMap<string, Float32Array>): Uint8Array {
  return buildActionScorers(
    { ...SIZES, seed: 0 },
    NETWORKS.map(name => ({ ...scorerOf(name), trained })),
  )
}
