import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DoctorContext, DoctorRoots } from '../../../agent/doctor/check.ts'
import { AgentConfig } from '../../../config/agent-schema.ts'
import { temporaryDirectory } from '../../support/directories.ts'

/** A machine as its kernel and distribution describe it: files by path, links as `-> target`. */
export function machineTree(files: Readonly<Record<string, string>>): DoctorRoots {
  const root = temporaryDirectory()
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path)
    mkdirSync(dirname(full), { recursive: true })
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), full)
    else writeFileSync(full, content, { mode: 0o660 })
  }
  const at = (name: string): string => join(root, name)
  return {
    procRoot: at('proc'),
    sysRoot: at('sys'),
    devRoot: at('dev'),
    etcRoot: at('etc'),
    runRoot: at('run'),
  }
}

/** Somebody who has no rights but those that the groups give. */
export const NOBODY = { name: 'gainnet', uid: 64_001, groups: [64_001], isService: true } as const

export function contextOf(o: Partial<DoctorContext>): DoctorContext {
  return {
    config: AgentConfig.parse({ agentId: 'pi-04', stateDirectory: '/var/lib/gainnet' }),
    roots: machineTree({}),
    user: NOBODY,
    nowMs: Date.parse('2026-06-01T00:00:00Z'),
    signal: new AbortController().signal,
    ...o,
  }
}
