import { readFile } from 'node:fs/promises'
import { GainnetError, messageOf } from '../../../runtime/errors.ts'
import { readPolicyFile } from '../sac/policy-file.ts'
import type { Policy } from './policy.ts'
import { POLICIES, policyOf } from './registry.ts'
import { sacPolicies } from './sac-policy.ts'

/** Policies that were learned: their networks come from a file. */
export const LEARNED_POLICIES: readonly string[] = ['sac', 'sac-guarded']

/** The policy of a configuration: of the registry, or learned and read from its file. */
export async function loadPolicy(name: string, file: string | undefined): Promise<Policy> {
  if (!LEARNED_POLICIES.includes(name)) {
    if (POLICIES.some(one => one.name === name)) return policyOf(name)
    const known = [...POLICIES.map(one => one.name), ...LEARNED_POLICIES]
    throw new GainnetError('CONFIG_INVALID', `policy: '${name}' is none of ${known.join(', ')}`, {
      key: 'policy',
      known,
    })
  }
  if (file === undefined) {
    const message = `policyFile: the policy '${name}' was learned and needs its file: gainnet policy train writes one`
    throw new GainnetError('CONFIG_INVALID', message, { key: 'policyFile' })
  }
  const policies = await readPolicies(file)
  return policies.find(one => one.name === name) ?? policies[0]
}

/** All that a file of `gainnet policy train` holds. */
export async function readPolicies(file: string): Promise<ReturnType<typeof sacPolicies>> {
  const bytes = await readFile(file).catch(cause => {
    const message = `${file} cannot be read: ${messageOf(cause)}`
    throw new GainnetError('FILE_UNREADABLE', message, { path: file }, { cause })
  })
  return sacPolicies(readPolicyFile(bytes))
}
