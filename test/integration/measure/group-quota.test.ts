import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readCores } from '../../../agent/measure/cores.ts'
import { SlotLoad } from '../../../agent/urp/slot-load.ts'
import { startBurner } from '../../support/burner.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { waitFor } from '../../support/wait-for.ts'

const CGROUP = '/sys/fs/cgroup'
const QUOTA_CORES = 0.5
const DEADLINE_MS = 30_000

/** The v1 controllers that limit and count, each in a hierarchy of its own or both in one. */
const canMakeGroups = ['cpu', 'cpuacct'].every(controller => {
  try {
    accessSync(join(CGROUP, controller, 'cgroup.procs'), constants.W_OK)
    return true
  } catch {
    return false
  }
})

/** A group with a quota; gone with the test, once its processes are. */
function makeGroup() {
  const name = `gainnet-test-${process.pid}`
  const folders = ['cpu', 'cpuacct'].map(controller => join(CGROUP, controller, name))
  for (const folder of folders) mkdirSync(folder, { recursive: true })
  writeFileSync(join(CGROUP, 'cpu', name, 'cpu.cfs_period_us'), '100000')
  writeFileSync(join(CGROUP, 'cpu', name, 'cpu.cfs_quota_us'), String(QUOTA_CORES * 100_000))
  const remove = async (): Promise<void> => {
    await waitFor(
      () => {
        try {
          for (const folder of folders) rmdirSync(folder)
          return true
        } catch (error) {
          return error instanceof Error && 'code' in error && error.code === 'ENOENT'
        }
      },
      { what: 'the group is empty' },
    )
  }
  onTestFinished(remove)
  const add = (pid: number): void => {
    for (const folder of folders) writeFileSync(join(folder, 'cgroup.procs'), String(pid))
  }
  return { path: `/${name}`, add }
}

/**
 * The kernel limits and counts a real group. A slot ends when the neighbour has burnt enough, so that
 * the load of the machine changes how long this takes and nothing else.
 */
test.skipIf(!canMakeGroups)(
  'what a neighbour uses of the quota of a real control group is not offered',
  async () => {
    const core = (await readCores({ procRoot: '/proc', sysRoot: '/sys' })).at(-1)
    if (!core) throw new Error('this machine has a core')
    const group = makeGroup()
    const neighbour = await startBurner({ core: core.index })
    group.add(neighbour.pid)
    const procRoot = temporaryDirectory()
    mkdirSync(join(procRoot, 'self'))
    writeFileSync(join(procRoot, 'self/cgroup'), `2:cpuacct:${group.path}\n1:cpu:${group.path}\n`)
    const load = new SlotLoad({
      procRoot,
      sysRoot: '/sys',
      slots: 4,
      slotMs: DEADLINE_MS,
      units: [core.unit],
      computingShareMax: 1,
    })
    const edge = (slot: number): void => {
      // A core on which nothing runs, so that the quota alone decides.
      writeFileSync(join(procRoot, 'stat'), `${core.unit} 0 0 0 ${100 * slot} 0 0 0 0 0 0\n`)
      load.edge(slot)
    }
    const pattern = ['rest', 'burn', 'rest'] as const
    const burntCores: number[] = []
    edge(0)
    for (const [slot, work] of pattern.entries()) {
      const [startedAt, before] = [performance.now(), neighbour.ticks()]
      neighbour.set(work)
      const isOver = (): boolean =>
        work === 'burn' ? neighbour.ticks() - before >= 30 : performance.now() - startedAt > 300
      await waitFor(isOver, { ms: DEADLINE_MS, what: `the neighbour did ${work}` })
      const ticks = neighbour.ticks() - before
      burntCores.push((ticks * 10) / (performance.now() - startedAt))
      edge(slot + 1)
    }
    const free = [...load.current().computing.values]
    // Ticks of 10 ms in a slot of 300, and what passes between reading one count and the other.
    const TOLERANCE = 0.2
    for (const [slot, burnt] of burntCores.entries()) {
      const left = Math.max(0, QUOTA_CORES - burnt)
      const difference = Math.abs((free[slot] ?? Number.NaN) - left)
      expect(difference, `slot ${slot}: ${free[slot]}, ${burnt} cores burnt`).toBeLessThan(
        TOLERANCE,
      )
    }
    expect(free[3]).toBeNaN()
  },
)
