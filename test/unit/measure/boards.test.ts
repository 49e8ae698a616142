import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { coreClasses } from '../../../agent/measure/cores.ts'
import { parseCpuList } from '../../../agent/measure/cpu-list.ts'
import { computingShareOf, cpuProbe } from '../../../agent/measure/cpu-probe.ts'
import { readInventory } from '../../../agent/measure/inventory.ts'
import { memoryProbe } from '../../../agent/measure/memory-probe.ts'
import { type BoardRoots, type Probe, runProbe } from '../../../agent/measure/probe.ts'
import { buildProbes } from '../../../agent/measure/registry.ts'
import { thermalProbe } from '../../../agent/measure/thermal-probe.ts'
import { createLogger } from '../../../runtime/logger.ts'

const log = createLogger({ daemon: 'test', level: 'silent' })
const boards = join(import.meta.dirname, '../../fixtures/boards')
const PI: BoardRoots = rootsOf(join(boards, 'raspberry-pi-4'))
const JETSON: BoardRoots = rootsOf(join(boards, 'jetson-orin'))
const NOTHING: BoardRoots = rootsOf(join(boards, 'no-such-board'))
const THIS_MACHINE: BoardRoots = { procRoot: '/proc', sysRoot: '/sys' }

function rootsOf(folder: string): BoardRoots {
  return { procRoot: join(folder, 'proc'), sysRoot: join(folder, 'sys') }
}

async function valuesOf<Values>(probe: Probe<Values>, roots: BoardRoots): Promise<Values> {
  const result = await runProbe(probe, { roots, log })
  if (result.status !== 'ok') throw new Error(`${probe.name} is ${result.status}: ${result.reason}`)
  return result.values
}

const cpu = cpuProbe({ windowMs: 1 })

describe('the cpu probe', () => {
  test('reads cores, frequencies and load of a Raspberry Pi', async () => {
    const values = await valuesOf(cpu, PI)
    expect(values.cores.map(({ unit }) => unit)).toEqual(['cpu0', 'cpu1', 'cpu2', 'cpu3'])
    expect(values.cores[0]).toMatchObject({ frequencyHz: 1.5e9, frequencyHzMax: 1.8e9 })
    expect(values.loadAverage).toBe(0.42)
    expect(values.quotaCores).toBeUndefined()
    // Counters that stand still say nothing: absent, not 0.
    expect(values.busyShare).toBeUndefined()
  })

  test('leaves out cores that the process may not use and sees the quota', async () => {
    const values = await valuesOf(cpu, JETSON)
    expect(values.cores.map(({ index }) => index)).toEqual([0, 1, 2, 3, 5])
    expect(values.quotaCores).toBe(2.5)
    expect(computingShareOf(values, 0.8)).toBe(0.5)
    expect(computingShareOf(values, 0.3)).toBe(0.3)
  })

  test('states temperature, frequency and throttling beside its figures', async () => {
    const result = await runProbe(cpu, { roots: PI, log })
    expect(result).toMatchObject({
      conditions: { temperatureCelsius: 61.345, frequencyHz: 1.5e9, throttled: true },
    })
  })

  test('finds this machine busy between nothing and wholly', async () => {
    const { cores, busyShare } = await valuesOf(cpuProbe({ windowMs: 60 }), THIS_MACHINE)
    expect(cores.length).toBeGreaterThan(0)
    expect(busyShare).toBeGreaterThanOrEqual(0)
    expect(busyShare).toBeLessThanOrEqual(1)
  })
})

describe('the memory probe', () => {
  test('reads the memory of the machine where no group limits it', async () => {
    expect(await valuesOf(memoryProbe, PI)).toEqual({
      totalBytes: 3_884_376 * 1024,
      availableBytes: 3_315_200 * 1024,
      isLimited: false,
    })
  })

  test('reads the limit of the control group where that is less, without droppable pages', async () => {
    expect(await valuesOf(memoryProbe, JETSON)).toEqual({
      totalBytes: 1_073_741_824,
      availableBytes: 1_073_741_824 - (314_572_800 - 104_857_600),
      isLimited: true,
    })
  })

  test('finds less memory available than there is on this machine', async () => {
    const { totalBytes, availableBytes } = await valuesOf(memoryProbe, THIS_MACHINE)
    expect(availableBytes).toBeGreaterThan(0)
    expect(availableBytes).toBeLessThanOrEqual(totalBytes)
  })
})

describe('the thermal probe', () => {
  test('reads the temperature of a Raspberry Pi, and whether it is throttled', async () => {
    expect(await runProbe(thermalProbe, { roots: PI, log })).toMatchObject({
      values: {
        zones: [{ type: 'cpu-thermal', temperatureCelsius: 61.345 }],
        temperatureCelsius: 61.345,
      },
      conditions: { temperatureCelsius: 61.345, throttled: true, underVoltage: true },
    })
  })

  test('leaves out the zone of a Jetson that has no power', async () => {
    const { zones, temperatureCelsius } = await valuesOf(thermalProbe, JETSON)
    expect(zones.map(({ type }) => type)).toEqual(['cpu-thermal', 'gpu-thermal', 'tj-thermal'])
    expect(temperatureCelsius).toBe(49.062)
  })
})

const {
  compute: _,
  link: __,
  ...fileProbes
} = buildProbes({
  link: { peer: () => undefined, bytesMax: 1 },
  filesRoot: join(boards, 'no-such-board'),
})

describe('a board without the files', () => {
  test.each(Object.values(fileProbes) as Probe<unknown>[])(
    'has $name absent, with the path that was looked at',
    async probe => {
      const result = await runProbe(probe, { roots: NOTHING, log })
      expect(result).toMatchObject({ status: 'absent' })
      expect(result.status === 'absent' && result.reason).toContain('no-such-board')
    },
  )
})

describe('the inventory', () => {
  test.each([
    [PI, 'Raspberry Pi 4 Model B Rev 1.4'],
    [JETSON, 'NVIDIA Jetson Orin Nano Developer Kit'],
  ])('knows a board by its device tree', async (roots, model) => {
    expect(await readInventory({ ...roots, log })).toMatchObject({ model })
  })

  test('falls back to what Node knows when the reading takes too long', async () => {
    const nowhere = { ...NOTHING, filesRoot: NOTHING.procRoot }
    const board = await readInventory({ ...nowhere, log, durationMsMax: 0 })
    expect(board.model).toBe('unknown machine')
    expect(board.os).toMatch(/^Linux, Linux \d/)
    expect(board.cores).toBeGreaterThan(0)
  })
})

describe('classes of cores', () => {
  test('are told apart by capacity, the fastest first', () => {
    const capacities = [446, 446, 1024, 1024]
    const cores = capacities.map((capacity, index) => ({ index, unit: `cpu${index}`, capacity }))
    const classes = coreClasses(cores).map(members => members.map(({ unit }) => unit))
    expect(classes).toEqual([
      ['cpu2', 'cpu3'],
      ['cpu0', 'cpu1'],
    ])
  })

  test('are told apart by frequency where there is no capacity, but not by a few percent', () => {
    const frequencies = [3.0e9, 3.1e9, 1.8e9]
    const cores = frequencies.map((frequencyHzMax, index) => ({
      index,
      unit: `cpu${index}`,
      frequencyHzMax,
    }))
    expect(coreClasses(cores).map(members => members.length)).toEqual([2, 1])
  })

  test('are one where nothing is known', () => {
    const cores = [0, 1, 2].map(index => ({ index, unit: `cpu${index}` }))
    expect(coreClasses(cores)).toHaveLength(1)
  })
})

test.each([
  ['0-3', [0, 1, 2, 3]],
  ['0-1,5,7-8', [0, 1, 5, 7, 8]],
  ['', []],
  ['3-1,x', []],
])('the CPU list %j is %j', (list, indices) => {
  expect(parseCpuList(list)).toEqual(indices)
})
