import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ownCpuMicroseconds } from '../../../agent/urp/own-cpu-time.ts'
import { SlotLoad, type SlotLoadOptions } from '../../../agent/urp/slot-load.ts'
import type { Matrix } from '../../../protocol/matrix.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { recordedSlot } from '../../support/recorded-board.ts'

const SLOT_MS = 1000
let root: string
let nowMs: number

beforeEach(() => {
  root = temporaryDirectory()
  nowMs = 0
})

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

/** user nice system idle iowait irq softirq steal */
function putStat(...cores: readonly string[]): void {
  put('proc/stat', cores.map((ticks, index) => `cpu${index} ${ticks} 0 0\n`).join(''))
}

function putMemory(totalKb: number, availableKb: number, stalledMicroseconds?: number): void {
  put('proc/meminfo', `MemTotal: ${totalKb} kB\nMemAvailable: ${availableKb} kB\n`)
  if (stalledMicroseconds === undefined) return
  put(
    'proc/pressure/memory',
    `some avg10=0.00 avg60=0.00 avg300=0.00 total=${stalledMicroseconds}\n`,
  )
}

function start(options: Partial<SlotLoadOptions> & Pick<SlotLoadOptions, 'slots'>): SlotLoad {
  const clock = {
    now: () => nowMs,
    at: () => {
      throw new Error('slot load sets no timer')
    },
  }
  return new SlotLoad({
    procRoot: join(root, 'proc'),
    sysRoot: join(root, 'sys'),
    slotMs: SLOT_MS,
    units: ['cpu0'],
    computingShareMax: 1,
    clock,
    ...options,
  })
}

function shares({ values }: Matrix): number[] {
  return [...values].map(value => Math.round(value * 1000) / 1000)
}

/** Sets the files before each slot's edge; slots follow one another. */
function pass(load: SlotLoad, moments: readonly (() => void)[]): void {
  for (const [slot, set] of moments.entries()) {
    set()
    load.edge(slot)
    nowMs += SLOT_MS
  }
}

describe('a load that comes and goes', () => {
  test('shows in the slots in which it was there, and in no others', () => {
    const load = start({ slots: 7, units: ['cpu0', 'cpu1'] })
    // cpu0 is taken whole in slots 1 and 2 and by half in slot 5; cpu1 waits for a disk in slot 4.
    pass(load, [
      () => putStat('0 0 0 0 0 0 0 0', '0 0 0 0 0 0 0 0'),
      () => putStat('0 0 0 100 0 0 0 0', '0 0 0 100 0 0 0 0'),
      () => putStat('90 0 10 100 0 0 0 0', '0 0 0 200 0 0 0 0'),
      () => putStat('190 0 10 100 0 0 0 0', '0 0 0 300 0 0 0 0'),
      () => putStat('190 0 10 200 0 0 0 0', '0 0 0 400 0 0 0 0'),
      () => putStat('190 0 10 300 0 0 0 0', '0 0 0 400 100 0 0 0'),
      () => putStat('240 0 10 350 0 0 0 0', '0 0 0 500 100 0 0 0'),
    ])
    expect(shares(load.current().computing)).toEqual([
      1,
      1,
      0,
      1,
      0,
      1,
      1,
      1,
      1,
      1,
      0.5,
      1,
      Number.NaN,
      Number.NaN,
    ])
  })

  test('is not our own training, which is of raised niceness', () => {
    const load = start({ slots: 3 })
    pass(load, [
      () => putStat('0 0 0 0 0 0 0 0'),
      () => putStat('0 80 0 20 0 0 0 0'),
      () => putStat('60 80 0 60 0 0 0 0'),
    ])
    expect(shares(load.current().computing)).toEqual([1, 0.4, Number.NaN])
  })

  test('is what the hypervisor gave to other guests', () => {
    const load = start({ slots: 2 })
    pass(load, [() => putStat('0 0 0 0 0 0 0 0'), () => putStat('0 0 0 60 0 0 0 40')])
    expect(shares(load.current().computing)[0]).toBe(0.6)
  })
})

describe('memory', () => {
  test('is free as far as it was free at both ends of the slot', () => {
    const load = start({ slots: 5 })
    pass(load, [
      () => putMemory(1000, 800),
      () => putMemory(1000, 800),
      () => putMemory(1000, 200),
      () => putMemory(1000, 700),
      () => putMemory(1000, 700),
    ])
    expect(shares(load.current().memory)).toEqual([0.8, 0.2, 0.2, 0.7, Number.NaN])
  })

  test('that tasks wait for is free only while none waits', () => {
    const load = start({ slots: 4 })
    pass(load, [
      () => putMemory(1000, 500, 1_000_000),
      () => putMemory(1000, 500, 1_000_000),
      () => putMemory(1000, 500, 1_400_000),
      () => putMemory(1000, 500, 3_400_000),
    ])
    expect(shares(load.current().memory)).toEqual([0.5, 0.3, 0, Number.NaN])
  })

  test.each([
    'MemTotal: 1000 kB\n',
    'MemTotal: 1000 kB\nMemAvailable: -5 kB\n',
    'MemTotal: 1000 kB\nMemAvailable: 1001 kB\n',
    '',
  ])('is not known where the kernel says %j, and is not 0', text => {
    const load = start({ slots: 2 })
    pass(load, [() => putMemory(1000, 500), () => put('proc/meminfo', text)])
    expect(shares(load.current().memory)).toEqual([Number.NaN, Number.NaN])
  })
})

describe('a quota of a control group', () => {
  const idle = (seconds: number): void => {
    const ticks = `0 0 0 ${seconds * 100} 0 0 0 0`
    putStat(ticks, ticks, ticks, ticks)
  }
  /** Of this process, as /proc/self/stat has it: utime, stime, cutime, cstime in ticks. */
  const own = (ticks: string): void =>
    put('proc/self/stat', `77 (a (b) c) S 1 77 77 0 -1 4194560 1 0 0 0 ${ticks} 20 0 1 0 1\n`)
  const units = ['cpu0', 'cpu1', 'cpu2', 'cpu3']

  test('of v2 leaves what its other processes do not use, on cores that are idle', () => {
    const group = 'sys/fs/cgroup/box'
    put('proc/self/cgroup', '0::/box\n')
    put(`${group}/cpu.max`, '200000 100000\n')
    const used = (microseconds: number): void =>
      put(`${group}/cpu.stat`, `usage_usec ${microseconds}\nuser_usec 1\n`)
    const load = start({ slots: 4, units })
    pass(load, [
      () => [idle(0), used(5_000_000), own('0 0 0 0')],
      () => [idle(1), used(5_000_000), own('0 0 0 0')],
      // The neighbour takes 1.2 cores of the 2.
      () => [idle(2), used(6_200_000), own('0 0 0 0')],
      // 1.6 cores are used, and all of it is ours.
      () => [idle(3), used(7_800_000), own('100 20 30 10')],
    ])
    const rows = shares(load.current().computing)
    expect(rows.filter((_, index) => index % 4 === 0)).toEqual([0.5, 0.2, 0.5, Number.NaN])
  })

  test('of v1 is seen too: its time is in another hierarchy, in nanoseconds', () => {
    put('proc/self/cgroup', '3:cpu,cpuacct:/box\n1:memory:/box\n0::/\n')
    put('sys/fs/cgroup/cpu/box/cpu.cfs_quota_us', '100000\n')
    put('sys/fs/cgroup/cpu/box/cpu.cfs_period_us', '100000\n')
    const used = (nanoseconds: number): void =>
      put('sys/fs/cgroup/cpuacct/box/cpuacct.usage', `${nanoseconds}\n`)
    const load = start({ slots: 3, units })
    pass(load, [
      () => [idle(0), used(0), own('0 0 0 0')],
      () => [idle(1), used(0), own('0 0 0 0')],
      () => [idle(2), used(600_000_000), own('0 0 0 0')],
    ])
    const rows = shares(load.current().computing)
    expect(rows.filter((_, index) => index % 4 === 0)).toEqual([0.25, 0.1, Number.NaN])
  })

  test('does not hide a core that is busy', () => {
    put('proc/self/cgroup', '0::/\n')
    put('sys/fs/cgroup/cpu.max', '100000 100000\n')
    put('sys/fs/cgroup/cpu.stat', 'usage_usec 0\n')
    const load = start({ slots: 2, units: ['cpu0'] })
    pass(load, [() => putStat('0 0 0 0 0 0 0 0'), () => putStat('90 0 0 10 0 0 0 0')])
    expect(shares(load.current().computing)[0]).toBe(0.1)
  })

  test.each(['', 'usage_usec', 'usage_usec -5', 'user_usec 12'])(
    'whose use is %j leaves the ticks to say what is free',
    text => {
      put('proc/self/cgroup', '0::/\n')
      put('sys/fs/cgroup/cpu.max', '100000 100000\n')
      put('sys/fs/cgroup/cpu.stat', text)
      const load = start({ slots: 2, units: ['cpu0'] })
      pass(load, [() => putStat('0 0 0 0 0 0 0 0'), () => putStat('30 0 0 70 0 0 0 0')])
      expect(shares(load.current().computing)[0]).toBe(0.7)
    },
  )

  test('whose count steps back, because the process was moved, leaves the ticks as well', () => {
    put('proc/self/cgroup', '0::/\n')
    put('sys/fs/cgroup/cpu.max', '100000 100000\n')
    const load = start({ slots: 2, units: ['cpu0'] })
    pass(load, [
      () => [putStat('0 0 0 0 0 0 0 0'), put('sys/fs/cgroup/cpu.stat', 'usage_usec 900\n')],
      () => [putStat('30 0 0 70 0 0 0 0'), put('sys/fs/cgroup/cpu.stat', 'usage_usec 100\n')],
    ])
    expect(shares(load.current().computing)[0]).toBe(0.7)
  })
})

test('a clock that is set back to 1970 in a slot leaves what needs no clock', () => {
  nowMs = Date.parse('2025-01-01T00:00:00Z')
  const load = start({ slots: 4 })
  pass(load, [
    () => [putStat('0 0 0 0 0 0 0 0'), putMemory(1000, 500)],
    () => {
      nowMs = 0
      putStat('40 0 0 60 0 0 0 0')
    },
    () => putStat('40 0 0 160 0 0 0 0'),
  ])
  expect(shares(load.current().computing)).toEqual([0.6, 1, Number.NaN, Number.NaN])
  expect(shares(load.current().memory)).toEqual([Number.NaN, 0.5, Number.NaN, Number.NaN])
})

describe('recorded boards', () => {
  test('a neighbour in the container takes of quota and memory', () => {
    const units = ['cpu0', 'cpu1', 'cpu2', 'cpu3']
    const { computing, memory } = recordedSlot('container', { units, computingShareMax: 1 })
    // 1.5 cores less the 0.9 that are used, over four cores.
    expect(shares(computing).slice(0, 4)).toEqual([0.15, 0.15, 0.15, 0.15])
    expect(shares(memory)[0]).toBe(0.27)
  })

  test('a Raspberry Pi that reclaims memory has less than MemAvailable says', () => {
    const { memory } = recordedSlot('raspberry-pi-4', { units: [], computingShareMax: 1 })
    // 0.6 of the memory at its lower end; some task waited for a quarter of the second.
    expect(shares(memory)[0]).toBe(0.45)
  })
})

describe('our own CPU time', () => {
  test('is that of the process, of its children and of those that ended', () => {
    const stat = (name: string, ticks: string): string =>
      `1 (${name}) R 1 1 1 0 -1 0 0 0 0 0 ${ticks} 20 0 1 0 1\n`
    put('proc/self/stat', stat('node', '10 5 3 2'))
    put(`proc/self/task/${process.pid}/children`, '501 502 \n')
    put('proc/501/stat', stat('trainer) R 9 9', '100 20 7 7'))
    // 502 has just ended.
    expect(ownCpuMicroseconds(join(root, 'proc'))).toBe((20 + 120) * 10_000)
  })

  test('counts what a child of this process uses', async () => {
    const { spawn } = await import('node:child_process')
    const before = ownCpuMicroseconds('/proc')
    const child = spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' })
    onTestFinished(() => void child.kill('SIGKILL'))
    await expect
      .poll(() => ownCpuMicroseconds('/proc') - before, { timeout: 20_000 })
      .toBeGreaterThan(200_000)
  })

  test('is 0 where nothing can be read', () => {
    expect(ownCpuMicroseconds(join(root, 'nothing'))).toBe(0)
  })
})
