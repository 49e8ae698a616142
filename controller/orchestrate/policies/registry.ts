import { GainnetError } from '../../../runtime/errors.ts'
import { exactDpPolicy } from './exact-dp-policy.ts'
import { greedyGainPolicy } from './greedy-gain-policy.ts'
import { mlCPolicy } from './ml-c-policy.ts'
import { mlCcPolicy } from './ml-cc-policy.ts'
import { mlSccPolicy } from './ml-scc-policy.ts'
import { mpTscPolicy } from './mp-tsc-policy.ts'
import { oortPolicy } from './oort-policy.ts'
import type { Policy } from './policy.ts'
import { pricedDpPolicy } from './priced-dp-policy.ts'
import { randomPolicy } from './random-policy.ts'
import { recedingDpPolicy } from './receding-dp-policy.ts'
import { roundRobinPolicy } from './round-robin-policy.ts'

/** Every policy that `policy` in the controller's configuration can name. */
export const POLICIES: readonly Policy[] = [
  greedyGainPolicy,
  recedingDpPolicy,
  pricedDpPolicy,
  mlCPolicy,
  mlCcPolicy,
  mlSccPolicy,
  mpTscPolicy,
  oortPolicy,
  roundRobinPolicy,
  randomPolicy,
]

/** With those that need to know the future, which only a simulator does. */
export const SIMULATED_POLICIES: readonly Policy[] = [exactDpPolicy, ...POLICIES]

export function policyOf(name: string): Policy {
  const policy = POLICIES.find(one => one.name === name)
  if (policy !== undefined) return policy
  const known = POLICIES.map(one => one.name)
  throw new GainnetError('CONFIG_INVALID', `policy: '${name}' is none of ${known.join(', ')}`, {
    key: 'policy',
    known,
  })
}
