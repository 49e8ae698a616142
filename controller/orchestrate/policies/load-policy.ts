import { readFile } from 'node:fs/promises'
import { GainnetError, messageOf } from '../../../runtime/errors.ts'
import { readPolicyFile } from '../sac/policy-file.ts'
import type { Policy } from './policy.ts'
import { POLICIES, policyOf } from './registry.ts'
import { sacPolicy } from './sac-policy.ts'

/** The policy that is learned: its networks come from a file. */
export const LEARNED_POLICY = 'sac'
/** What its name was before `sac` itself was kept from doing worse than the plan. */
const FORMER_NAME = 'sac-guarded'

export function isLearned(name: string): boolean {
  return name === LEARNED_POLICY || name === FORMER_NAME
}

/** The policy of a configuration: of the registry, or learned and read from its file. */
export async function loadPolicy(name: string, file: string | undefined): Promise<Policy> {
  if (!isLearned(name)) {
    if (POLICIES.some(one => one.name === name)) return policyOf(name)
    const known = [...POLICIES.map(one => one.name), LEARNED_POLICY]
    throw new GainnetError('CONFIG_INVALID', `policy: '${name}' is none of ${known.join(', ')}`, {
      key: 'policy',
      known,
    })
  }
  if (file === undefined) {
    const message = `policyFile: the policy '${name}' was learned and needs its file: gainnet policy train writes one`
    throw new GainnetError('CONFIG_INVALID', message, { key: 'policyFile' })
  }
  return readPolicy(file)
}

/** What a file of `gainnet policy train` holds. */
export async function readPolicy(file: string): Promise<Policy> {
  const bytes = await readFile(file).catch(cause => {
    const message = `${file} cannot be read: ${messageOf(cause)}`
    throw new GainnetError('FILE_UNREADABLE', message, { path: file }, { cause })
  })
  return sacPolicy(readPolicyFile(bytes))
}
