import { GainnetError } from '../../../runtime/errors.ts'
import { greedyGainPolicy } from './greedy-gain-policy.ts'
import type { Policy } from './policy.ts'

/** Every policy that `policy` in the controller's configuration can name. */
export const POLICIES: readonly Policy[] = [greedyGainPolicy]

export function policyOf(name: string): Policy {
  const policy = POLICIES.find(one => one.name === name)
  if (policy !== undefined) return policy
  const known = POLICIES.map(one => one.name)
  throw new GainnetError('CONFIG_INVALID', `policy: '${name}' is none of ${known.join(', ')}`, {
    key: 'policy',
    known,
  })
}
