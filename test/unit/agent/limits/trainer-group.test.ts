import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { TrainerGroup } from '../../../../agent/limits/trainer-group.ts'
import { temporaryDirectory } from '../../../support/directories.ts'
import { BOARDS, recordedBoard } from '../../../support/recorded-board.ts'
import { testLog } from '../../../support/test-log.ts'

const MIB = 2 ** 20
const US = String(process.pid)
const OWN_GROUP = 'system.slice/gainnet-agent.service'
/** No process has so high a number (proc_sys_kernel(5): pid_max is at most 2^22). */
const NOBODY = 2 ** 22 + 1

/** A tree as the kernel shows it, of which plain files stand for those of a control group. */
function machine(files: Readonly<Record<string, string>>) {
  const root = temporaryDirectory()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const roots = { procRoot: join(root, 'proc'), sysRoot: join(root, 'sys') }
  const { log, lines } = testLog()
  const group = new TrainerGroup({ roots, niceness: 10, memoryBytesMax: 512 * MIB, log })
  const cgroup = (path: string): string => join(root, 'sys/fs/cgroup', path)
  const read = (path: string): string => readFileSync(cgroup(path), 'utf8')
  return { group, roots, cgroup, read, lines }
}

const V2 = {
  'proc/self/cgroup': `0::/${OWN_GROUP}\n`,
  [`sys/fs/cgroup/${OWN_GROUP}/cgroup.controllers`]: 'cpuset cpu io memory pids\n',
  [`sys/fs/cgroup/${OWN_GROUP}/cgroup.procs`]: `${US}\n`,
}
const V1 = {
  'proc/self/cgroup': `12:memory:/${OWN_GROUP}\n11:cpu,cpuacct:/\n1:name=systemd:/${OWN_GROUP}\n0::/\n`,
  [`sys/fs/cgroup/memory/${OWN_GROUP}/cgroup.procs`]: `${US}\n`,
  'sys/fs/cgroup/cpu/cgroup.procs': `1\n77\n${US}\n`,
}
const TRAINER = `gainnet-trainer-${US}`

test('in a v2 service of its own the agent steps into a leaf and gives the trainer a group', () => {
  const { group, read } = machine(V2)
  expect(group.confinement).toEqual({ computing: 'cgroup-v2', memory: 'cgroup-v2' })
  expect(read(`${OWN_GROUP}/gainnet-agent/cgroup.procs`)).toBe(US)
  expect(read(`${OWN_GROUP}/cgroup.subtree_control`)).toBe('+cpu +memory')
  const trainer = `${OWN_GROUP}/${TRAINER}`
  expect(read(`${trainer}/memory.max`)).toBe(String(512 * MIB))
  expect(read(`${trainer}/cpu.weight.nice`)).toBe('10')
  expect(read(`${trainer}/cpu.max`)).toBe('max 100000')
  group.add(4711)
  expect(read(`${trainer}/cgroup.procs`)).toBe('4711')
  group.limitCores(0.25)
  expect(read(`${trainer}/cpu.max`)).toBe('25000 100000')
  group.limitCores(0.0001)
  expect(read(`${trainer}/cpu.max`)).toBe('1000 100000')
  group.limitCores(null)
  expect(read(`${trainer}/cpu.max`)).toBe('max 100000')
})

test('in v1 each controller has its own tree; the root of one takes a group, too', () => {
  const { group, read } = machine(V1)
  expect(group.confinement).toEqual({ computing: 'cgroup-v1', memory: 'cgroup-v1' })
  expect(read(`memory/${OWN_GROUP}/${TRAINER}/memory.limit_in_bytes`)).toBe(String(512 * MIB))
  // 1024 / 1.25^10: a group weighs what its process would.
  expect(read(`cpu/${TRAINER}/cpu.shares`)).toBe('110')
  expect(read(`cpu/${TRAINER}/cpu.cfs_quota_us`)).toBe('-1')
  group.add(4711)
  expect(read(`cpu/${TRAINER}/cgroup.procs`)).toBe('4711')
  expect(read(`memory/${OWN_GROUP}/${TRAINER}/cgroup.procs`)).toBe('4711')
  group.limitCores(1.5)
  expect(read(`cpu/${TRAINER}/cpu.cfs_period_us`)).toBe('100000')
  expect(read(`cpu/${TRAINER}/cpu.cfs_quota_us`)).toBe('150000')
})

test.each([
  ['v2', V2, `${OWN_GROUP}/${TRAINER}/memory.events`, 'low 0\nhigh 0\nmax 31\noom 2\noom_kill 2\n'],
  ['v1', V1, `memory/${OWN_GROUP}/${TRAINER}/memory.oom_control`, 'under_oom 0\noom_kill 2\n'],
])('what the kernel ended for its memory is counted in %s', (_, files, path, text) => {
  const { group, cgroup } = machine(files)
  expect(group.memoryKills).toBe(0)
  writeFileSync(cgroup(path), text)
  expect(group.memoryKills).toBe(2)
})

test('at the end everything is as it was before', async () => {
  const { group, cgroup, read } = machine(V2)
  // The kernel's own files go with their group; these are plain ones.
  for (const name of [TRAINER, 'gainnet-agent']) {
    for (const file of readdirSync(cgroup(`${OWN_GROUP}/${name}`))) {
      if (file !== 'cgroup.procs' || name === TRAINER)
        rmSync(cgroup(`${OWN_GROUP}/${name}/${file}`))
    }
  }
  await group.stop()
  expect(existsSync(cgroup(`${OWN_GROUP}/${TRAINER}`))).toBe(false)
  expect(read(`${OWN_GROUP}/cgroup.subtree_control`)).toBe('-cpu -memory')
  expect(read(`${OWN_GROUP}/cgroup.procs`)).toBe(US)
})

test('the group of an agent that was killed is removed by the next, one in use is not', () => {
  const { roots, cgroup } = machine({
    ...V1,
    [`sys/fs/cgroup/cpu/gainnet-trainer-${NOBODY}x/tasks`]: '',
    'sys/fs/cgroup/cpu/gainnet-trainer-1/tasks': '1\n',
  })
  expect(existsSync(cgroup('cpu/gainnet-trainer-1'))).toBe(true)
  mkdirSync(cgroup(`cpu/gainnet-trainer-${NOBODY}`))
  new TrainerGroup({ roots, niceness: 0, memoryBytesMax: MIB, log: testLog().log })
  expect(existsSync(cgroup(`cpu/gainnet-trainer-${NOBODY}`))).toBe(false)
  expect(existsSync(cgroup(`cpu/gainnet-trainer-${NOBODY}x`))).toBe(true)
})

const NONE = { computing: 'duty-cycle', memory: 'rss-watch' } as const

test.each([
  [
    'others are in the group',
    { ...V2, [`sys/fs/cgroup/${OWN_GROUP}/cgroup.procs`]: `1234\n${US}\n` },
    NONE,
  ],
  [
    'the group has no such controllers',
    { ...V2, [`sys/fs/cgroup/${OWN_GROUP}/cgroup.controllers`]: 'pids\n' },
    NONE,
  ],
  [
    'only one of the controllers is there',
    { ...V2, [`sys/fs/cgroup/${OWN_GROUP}/cgroup.controllers`]: 'cpu pids\n' },
    { computing: 'cgroup-v2', memory: 'rss-watch' },
  ],
  [
    'others are in the v1 group for memory',
    { ...V1, [`sys/fs/cgroup/memory/${OWN_GROUP}/cgroup.procs`]: `1234\n${US}\n` },
    { computing: 'cgroup-v1', memory: 'rss-watch' },
  ],
  [
    'a folder cannot be made',
    { ...V1, [`sys/fs/cgroup/cpu/${TRAINER}`]: 'a file' },
    { computing: 'duty-cycle', memory: 'cgroup-v1' },
  ],
  ['there is no control group at all', { 'proc/self/cgroup': '' }, NONE],
  ['there is no /proc', {}, NONE],
])('where %s the agent does without, and touches nothing', (_, files, confinement) => {
  const { group, lines } = machine(files)
  expect(group.confinement).toEqual(confinement)
  group.add(4711)
  group.limitCores(0.5)
  expect(group.memoryKills).toBe(0)
  expect(lines.filter(({ level }) => level > 30)).toEqual([])
})

test('what the kernel refuses later is said once, and the other means hold alone', () => {
  const { group, cgroup, lines } = machine(V1)
  rmSync(cgroup(`cpu/${TRAINER}`), { recursive: true })
  group.limitCores(0.5)
  group.limitCores(0.4)
  expect(group.confinement).toEqual({ computing: 'duty-cycle', memory: 'cgroup-v1' })
  expect(lines.filter(({ msg }) => msg === 'control group not usable')).toHaveLength(1)
})

test.each(BOARDS)('nothing is written into the recorded %s', name => {
  const { log } = testLog()
  const group = new TrainerGroup({
    roots: recordedBoard(name),
    niceness: 0,
    memoryBytesMax: 1,
    log,
  })
  expect(group.confinement).toEqual(NONE)
})
