import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { GainnetError } from '../../../runtime/errors.ts'
import type { Logger } from '../../../runtime/logger.ts'
import { isLearned, loadPolicy } from './load-policy.ts'
import type { Policy } from './policy.ts'

/**
 * The policy of a configuration; what was learned comes from the file that it names, else from that of
 * the package. Where it is not there the rounds go on: the policy proposes nothing, the rules decide,
 * and each round record says why.
 */
export async function openPolicy(
  { policy, policyFile }: { readonly policy: string; readonly policyFile?: string | undefined },
  log: Logger,
): Promise<Policy> {
  const file = policyFile ?? shippedPolicyFile()
  if (!isLearned(policy) || (file !== undefined && existsSync(file))) {
    return loadPolicy(policy, file)
  }
  const where = file === undefined ? 'no learned policy came with the program' : `no file ${file}`
  const message = `${where}: gainnet policy train writes one, and policyFile names it`
  log.warn({ policy, policyFile: file }, `${message}; the rules decide`)
  const propose = (): never => {
    throw new GainnetError('FILE_UNREADABLE', message, { path: file ?? '' })
  }
  return { name: policy, label: policy, propose }
}

/** What `npm run policy` trained beside the compiled program; undefined where it has not. */
export function shippedPolicyFile(): string | undefined {
  // The sources lie beside dist/, the compiled files in it.
  return ['../../../policy.onnx', '../../../dist/policy.onnx']
    .map(place => fileURLToPath(new URL(place, import.meta.url)))
    .find(path => existsSync(path))
}
