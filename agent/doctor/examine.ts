import { withDeadline } from '../../runtime/deadline.ts'
import { messageOf } from '../../runtime/errors.ts'
import { type Check, type DoctorContext, type Finding, fault } from './check.ts'

export interface Examination {
  readonly check: string
  readonly findings: readonly Finding[]
}

/** Runs one check after the other, each within its time; what one throws is a finding of its own. */
export async function examine(
  checks: readonly Check[],
  context: Omit<DoctorContext, 'signal'>,
): Promise<readonly Examination[]> {
  const examinations: Examination[] = []
  for (const check of checks) {
    examinations.push({ check: check.name, findings: await findingsOf(check, context) })
  }
  return examinations
}

async function findingsOf(
  { name, durationMsMax, run }: Check,
  context: Omit<DoctorContext, 'signal'>,
): Promise<readonly Finding[]> {
  const cutOff = new AbortController()
  try {
    const work = run({ ...context, signal: cutOff.signal })
    return await withDeadline(work, { ms: durationMsMax, what: `the check of ${name}` })
  } catch (error) {
    return [fault(`could not be looked at: ${messageOf(error)}`, 'gainnet doctor, once more')]
  } finally {
    cutOff.abort()
  }
}

/** Whether something keeps the agent from its work. */
export function hasFault(examinations: readonly Examination[]): boolean {
  return examinations.some(({ findings }) => findings.some(({ outcome }) => outcome === 'fault'))
}
