import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCores } from '../../../agent/measure/cores.ts'
import { SlotLoad } from '../../../agent/urp/slot-load.ts'
import { startBurner } from '../../support/burner.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { waitFor } from '../../support/wait-for.ts'

const ROOTS = { procRoot: '/proc', sysRoot: '/sys' }
/** Of 10 ms: enough that one tick more or less is a few percent of a slot. */
const TICKS_A_SLOT = 40
const DEADLINE_MS = 30_000

/** Ticks of user, nice, system, idle, iowait, irq, softirq and steal of one core. */
function coreTicks(stat: string, unit: string): number[] {
  const line = stat.match(new RegExp(`^${unit} (.*)$`, 'm'))?.[1]
  return (line ?? '').trim().split(' ').slice(0, 8).map(Number)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0)
}

/**
 * No time is asserted: a slot ends when enough ticks have passed, whatever else the machine does. What
 * the kernel says at each edge is kept, so that the matrix and the test look at the same counters.
 */
test('a load that comes and goes on a core shows in the slots of its matrix', async () => {
  const core = (await readCores(ROOTS)).at(-1)
  if (!core) throw new Error('this machine has a core')
  const { unit, index } = core
  const burner = await startBurner({ core: index })
  const pattern = [false, true, false, true, true, false]
  const procRoot = temporaryDirectory()
  let nowMs = 0
  const load = new SlotLoad({
    procRoot,
    sysRoot: ROOTS.sysRoot,
    slots: pattern.length,
    slotMs: 1000,
    units: [unit],
    computingShareMax: 1,
    clock: { now: () => nowMs, at: () => expect.unreachable('slot load sets no timer') },
  })
  const edge = (slot: number) => {
    const stat = readFileSync('/proc/stat', 'utf8')
    writeFileSync(join(procRoot, 'stat'), stat)
    return { ended: load.edge(slot), ticks: coreTicks(stat, unit) }
  }
  const seen: { isBurning: boolean; burnerShare: number; freeShare: number }[] = []
  let last = edge(0)
  for (const [slot, isBurning] of pattern.entries()) {
    burner.set(isBurning ? 'burn' : 'rest')
    const burnt = burner.ticks()
    const passed = (): number =>
      isBurning
        ? burner.ticks() - burnt
        : sum(coreTicks(readFileSync('/proc/stat', 'utf8'), unit)) - sum(last.ticks)
    await waitFor(() => passed() >= TICKS_A_SLOT, {
      ms: DEADLINE_MS,
      what: isBurning ? 'the burner has burnt' : 'ticks have passed',
    })
    // Between two edges, so that no tick of the burner is counted that the core did not have.
    const burnerTicks = burner.ticks() - burnt
    nowMs += 1000
    const next = edge((slot + 1) % pattern.length)
    const all = sum(next.ticks) - sum(last.ticks)
    const free = [1, 3, 4].map(field => (next.ticks[field] ?? 0) - (last.ticks[field] ?? 0))
    seen.push({ isBurning, burnerShare: burnerTicks / all, freeShare: sum(free) / all })
    last = next
  }
  const measured = [...(last.ended?.computing.values ?? [])]
  expect(measured).toHaveLength(pattern.length)
  // Kernels that sample the counters of a core at its ticks miss some of what ran between.
  const TOLERANCE = 0.15
  for (const [slot, { isBurning, burnerShare, freeShare }] of seen.entries()) {
    const free = measured[slot] ?? Number.NaN
    expect(free, `slot ${slot}`).toBeCloseTo(freeShare, 5)
    if (isBurning) expect(free, `slot ${slot}`).toBeLessThan(1 - burnerShare + TOLERANCE)
    else expect(burnerShare, `slot ${slot}`).toBeLessThan(0.5)
  }
  const meanOf = (isBurning: boolean): number => {
    const shares = measured.filter((_, slot) => pattern[slot] === isBurning)
    return sum(shares) / shares.length
  }
  // Only where the others of this machine leave the core some rest, a load can take it away.
  if (meanOf(false) > 0.5) expect(meanOf(true)).toBeLessThan(meanOf(false))
})
