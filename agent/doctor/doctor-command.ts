import type { AgentConfig } from '../../config/agent-schema.ts'
import { GainnetError } from '../../runtime/errors.ts'
import type { DoctorRoots, Outcome } from './check.ts'
import { type Examination, examine, hasFault } from './examine.ts'
import { CHECKS } from './registry.ts'
import { agentUser } from './users.ts'

const MARKS: Readonly<Record<Outcome, string>> = {
  ok: 'ok     ',
  absent: '-      ',
  warning: 'warning',
  fault: 'FAULT  ',
}

/** Looks at everything that the agent needs of this machine; false where something is at fault. */
export async function runDoctor(
  config: AgentConfig,
  o: {
    readonly userName: string | undefined
    readonly json: boolean
    readonly output: NodeJS.WritableStream
    readonly roots: DoctorRoots
  },
): Promise<boolean> {
  const current = { uid: process.getuid?.() ?? 0, groups: process.getgroups?.() ?? [] }
  const user = await agentUser(o.roots.etcRoot, o.userName, current)
  if (!user) throw new GainnetError('USAGE', `there is no user ${o.userName} on this machine`)
  const context = { config, roots: o.roots, user, nowMs: Date.now() }
  const examinations = await examine(CHECKS, context)
  o.output.write(
    o.json
      ? `${JSON.stringify({ user: user.name, examinations }, null, 2)}\n`
      : pageOf(examinations),
  )
  return !hasFault(examinations)
}

function pageOf(examinations: readonly Examination[]): string {
  const lines = examinations.flatMap(({ check, findings }) => [
    check,
    ...findings.flatMap(({ outcome, text, remedy }) => [
      `  ${MARKS[outcome]} ${text}`,
      ...(remedy === undefined ? [] : [`          -> ${remedy}`]),
    ]),
  ])
  return `${lines.join('\n')}\n`
}
