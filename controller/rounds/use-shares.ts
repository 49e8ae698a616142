import type { PhaseInterval, PhaseUse } from '../../protocol/assignment.ts'
import type { UseShares } from '../../protocol/round-record.ts'

/** What was used of what was granted, as shares, from what the phases of a contribution say. */
export function useShares(phases: readonly PhaseInterval[]): UseShares {
  const useOf = (phase: PhaseInterval['phase']): PhaseUse | undefined =>
    phases.find(one => one.phase === phase)?.use
  const train = useOf('train')
  const overrunMs = phases.reduce((sum, { use }) => sum + (use?.overrunMs ?? 0), 0)
  return {
    ...named('download', useOf('download')?.bytes),
    ...named('computing', train?.cpuSeconds),
    ...named('upload', useOf('upload')?.bytes),
    ...named('memory', train?.memoryBytes),
    ...(overrunMs > 0 ? { overrunMs } : {}),
  }
}

/** Nothing is said where nothing was granted: a share of 0 would say that nothing was used. */
function named<Name extends keyof UseShares>(
  name: Name,
  use: { readonly used: number; readonly granted: number } | undefined,
): UseShares {
  return use && use.granted > 0 ? { [name]: Number((use.used / use.granted).toFixed(4)) } : {}
}
