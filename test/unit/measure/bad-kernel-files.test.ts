import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { readConditions } from '../../../agent/measure/conditions.ts'
import { cpuProbe } from '../../../agent/measure/cpu-probe.ts'
import { emcProbe } from '../../../agent/measure/emc-probe.ts'
import { gpuProbe } from '../../../agent/measure/gpu-probe.ts'
import { memoryProbe } from '../../../agent/measure/memory-probe.ts'
import { networkProbe } from '../../../agent/measure/network-probe.ts'
import { powerModeProbe } from '../../../agent/measure/power-mode-probe.ts'
import { powerProbe } from '../../../agent/measure/power-probe.ts'
import { pressureProbe } from '../../../agent/measure/pressure-probe.ts'
import { type Probe, runProbe } from '../../../agent/measure/probe.ts'
import { buildProbes } from '../../../agent/measure/registry.ts'
import { thermalProbe } from '../../../agent/measure/thermal-probe.ts'
import { throttleProbe } from '../../../agent/measure/throttle-probe.ts'
import { createLogger } from '../../../runtime/logger.ts'
import { type BoardName, copiedBoard, type RecordedRoots } from '../../support/recorded-board.ts'

const log = createLogger({ daemon: 'test', level: 'silent' })

/** What a file of the kernel may say that is not a figure. */
const NO_FIGURE = ['', '\n', 'N/A', 'nan', '1e99', '0x1f', '--', '-1', '99999999999999999999']

const folder = mkdtempSync(join(tmpdir(), 'gainnet-boards-'))
afterAll(() => rmSync(folder, { recursive: true }))
const copies = new Map<BoardName, RecordedRoots>()

/** The board with these files written anew, until the end of the test. One copy serves all tests. */
function rewritten(name: BoardName, files: Readonly<Record<string, string>>): RecordedRoots {
  const roots = copies.get(name) ?? copiedBoard(name, mkdtempSync(join(folder, 'board-')))
  copies.set(name, roots)
  for (const [relative, text] of Object.entries(files)) {
    const path = join(roots.filesRoot, relative)
    const before = existsSync(path) ? readFileSync(path) : undefined
    onTestFinished(() => (before ? writeFileSync(path, before) : rmSync(path)))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return roots
}

function read<Values>(probe: Probe<Values>, roots: RecordedRoots) {
  return runProbe(probe, { roots, log })
}

const ZONE = 'sys/class/thermal/thermal_zone0/temp'
const LOAD = 'sys/devices/platform/bus@0/17000000.gpu/load'
const EMC = 'sys/kernel/debug/bpmp/debug/clk/emc/rate'
const WORD = 'sys/devices/platform/soc/soc:firmware/get_throttled'
const MONITOR = 'sys/class/hwmon/hwmon1'

describe('a temperature', () => {
  // '-1' is a thousandth of a degree below zero, which is as good as unset.
  test.each([...NO_FIGURE, '0', '61', '-256000', '61345000'])('of %j is absent', async text => {
    const roots = rewritten('raspberry-pi-4', { [ZONE]: text })
    const result = await read(thermalProbe, roots)
    expect(result).toMatchObject({ status: 'absent' })
    expect(result.status === 'absent' && result.reason).toContain('thermal_zone0')
    expect((await readConditions(roots)).temperatureCelsius).toBeUndefined()
  })

  test('of a cold night is believed', async () => {
    const roots = rewritten('raspberry-pi-4', { [ZONE]: '-21500\n' })
    expect(await read(thermalProbe, roots)).toMatchObject({
      values: { temperatureCelsius: -21.5 },
    })
  })

  test('that is constant does not make a Jetson look hot', async () => {
    expect(await read(thermalProbe, copiedBoard('jetson-xavier'))).toMatchObject({
      values: { temperatureCelsius: 44.5 },
      discarded: ['class/thermal/thermal_zone4/temp: pmic-die is a constant'],
    })
  })
})

describe('a throttled word', () => {
  test.each(['', 'ffffffff', '-1', 'throttled=0x0'])('of %j is absent', async text => {
    const roots = rewritten('raspberry-pi-4', { [WORD]: text })
    expect(await read(throttleProbe, roots)).toMatchObject({ status: 'absent' })
    const conditions = await readConditions(roots)
    expect(conditions).not.toHaveProperty('throttled')
    expect(conditions).not.toHaveProperty('underVoltage')
  })

  test('that is missing leaves the alarm of the supply, where the kernel has that', async () => {
    const roots = copiedBoard('raspberry-pi-5')
    writeFileSync(join(roots.sysRoot, 'class/hwmon/hwmon3/in0_lcrit_alarm'), '1')
    rmSync(join(roots.sysRoot, 'devices/platform'), { recursive: true })
    expect(await read(throttleProbe, roots)).toMatchObject({
      values: { underVoltageAlarm: true, counts: [] },
      conditions: { underVoltage: true },
    })
    const conditions = await readConditions(roots)
    expect(conditions).toMatchObject({ underVoltage: true })
    expect(conditions).not.toHaveProperty('throttled')
  })

  test('of a Raspberry Pi 5 is found at its own node', async () => {
    expect(await read(throttleProbe, copiedBoard('raspberry-pi-5'))).toMatchObject({
      values: { bits: { sinceBoot: { softTemperatureLimit: true }, now: { throttled: false } } },
    })
  })
})

describe('a frequency', () => {
  // In Hz or MHz instead of kHz, the frequency would be 1000 times too high or too low.
  test.each([...NO_FIGURE, '0', '1500000000', '1500'])('of %j is left out', async text => {
    const cores = [0, 1, 2, 3].map(core => [
      `sys/devices/system/cpu/cpu${core}/cpufreq/scaling_cur_freq`,
      text,
    ])
    const roots = rewritten('raspberry-pi-4', Object.fromEntries(cores))
    const result = await read(cpuProbe({ windowMs: 1 }), roots)
    if (result.status !== 'ok') expect.unreachable(result.reason)
    expect(result.values.cores).toHaveLength(4)
    for (const core of result.values.cores) expect(core).not.toHaveProperty('frequencyHz')
    expect(result.discarded).toHaveLength(4)
    expect(result.conditions).not.toHaveProperty('frequencyHz')
  })
})

describe('the load of a GPU', () => {
  test.each([...NO_FIGURE, '1001', '43.7%'])('of %j is left out', async text => {
    const result = await read(gpuProbe, rewritten('jetson-orin', { [LOAD]: text }))
    if (result.status !== 'ok') expect.unreachable(result.reason)
    expect(result.values).toEqual({ frequencyHz: 306e6, frequencyHzMax: 918e6 })
    expect(result.discarded?.[0]).toContain('17000000.gpu/load')
  })

  test('of 0 is an idle GPU', async () => {
    expect(await read(gpuProbe, copiedBoard('jetson-xavier'))).toMatchObject({
      values: { loadShare: 0 },
    })
  })

  test.each([
    ['R32', 'devices/gpu.0'],
    ['R35 on Orin', 'devices/platform/17000000.ga10b'],
    ['R35 on Xavier NX', 'devices/17000000.gv11b'],
    ['a late R36', 'devices/platform/gpu.0'],
  ])('is found where %s has it', async (_, folder) => {
    const roots = rewritten('raspberry-pi-5', { [`sys/${folder}/load`]: '250\n' })
    expect(await read(gpuProbe, roots)).toMatchObject({ values: { loadShare: 0.25 } })
  })
})

describe('a power rail', () => {
  // Volts, or microvolts, instead of millivolts.
  test.each([...NO_FIGURE, '0', '5', '5080000'])('of %j mV leaves no total', async text => {
    const roots = rewritten('jetson-orin', { [`${MONITOR}/in1_input`]: text })
    const result = await read(powerProbe, roots)
    if (result.status !== 'ok') expect.unreachable(result.reason)
    expect(result.values.rails.map(({ name }) => name)).toEqual(['VDD_CPU_GPU_CV', 'VDD_SOC'])
    expect(result.values).not.toHaveProperty('powerWatts')
    expect(result.discarded).toHaveLength(1)
  })

  test.each(['-48', '', '1264000'])('of %j mA leaves no total', async text => {
    const roots = rewritten('jetson-xavier', { [`${MONITOR}/curr2_input`]: text })
    const result = await read(powerProbe, roots)
    if (result.status !== 'ok') expect.unreachable(result.reason)
    expect(result.values.rails).toHaveLength(5)
    expect(result.values).not.toHaveProperty('powerWatts')
  })

  test('without a wire is no rail', async () => {
    const roots = rewritten('jetson-orin', { [`${MONITOR}/in3_label`]: 'NC\n' })
    expect(await read(powerProbe, roots)).toMatchObject({ values: { powerWatts: 6.42112 } })
  })

  test('that is missing among rails that are summed leaves no total', async () => {
    const roots = copiedBoard('jetson-xavier')
    rmSync(join(roots.filesRoot, MONITOR, 'curr3_input'))
    const result = await read(powerProbe, roots)
    expect(result.status === 'ok' && result.values).not.toHaveProperty('powerWatts')
  })
})

describe('the clock of the memory', () => {
  test.each([...NO_FIGURE, '2133'])('of %j Hz is absent', async text => {
    const result = await read(emcProbe, rewritten('jetson-orin', { [EMC]: text }))
    expect(result).toMatchObject({ status: 'absent' })
  })

  test.skipIf(process.getuid?.() === 0)('that only root may read is absent', async () => {
    const roots = copiedBoard('jetson-orin')
    chmodSync(join(roots.filesRoot, EMC), 0)
    expect(await read(emcProbe, roots)).toMatchObject({
      status: 'absent',
      reason: expect.stringContaining('no permission'),
    })
  })

  test('that is a directory is absent, with the reason', async () => {
    const roots = copiedBoard('jetson-orin')
    rmSync(join(roots.filesRoot, EMC))
    mkdirSync(join(roots.filesRoot, EMC))
    expect(await read(emcProbe, roots)).toMatchObject({
      status: 'absent',
      reason: expect.stringContaining('EISDIR'),
    })
  })
})

describe('a power mode', () => {
  test.each(['', 'pmode:', 'pmode:-1', 'fmode:quiet', 'pmode:99999'])(
    'of %j is absent',
    async text => {
      const roots = rewritten('jetson-orin', { 'var/lib/nvpmodel/status': text })
      const result = await read(powerModeProbe(roots), roots)
      expect(result).toMatchObject({ status: 'absent' })
    },
  )

  test('that the list does not name keeps its number', async () => {
    const roots = rewritten('jetson-orin', { 'etc/nvpmodel.conf': 'nothing' })
    const result = await read(powerModeProbe(roots), roots)
    expect(result.status === 'ok' && result.values).toEqual({ id: 1 })
  })
})

describe('pressure', () => {
  test.each(['', 'some avg10=nan avg60=', 'some avg10=100.01 avg60=0', 'some avg10=-1.00 avg60=0'])(
    'of %j is left out, and the others stay',
    async text => {
      const roots = rewritten('raspberry-pi-4', { 'proc/pressure/memory': text })
      const result = await read(pressureProbe, roots)
      if (result.status !== 'ok') expect.unreachable(result.reason)
      expect(Object.keys(result.values)).toEqual(['cpu', 'io'])
    },
  )
})

describe('memory', () => {
  test.each([
    '',
    'MemTotal: 0 kB\nMemAvailable: 0 kB\n',
    'MemTotal: -3884376 kB\nMemAvailable: 10 kB\n',
    'MemTotal: 3884 MB\nMemAvailable: 3315 MB\n',
    'MemTotal: 3884376 kB\nMemFree: 2603112 kB\n',
    'MemTotal: 100 kB\nMemAvailable: 101 kB\n',
  ])('of %j is absent', async text => {
    const roots = rewritten('raspberry-pi-4', { 'proc/meminfo': text })
    expect(await read(memoryProbe, roots)).toMatchObject({ status: 'absent' })
  })

  test.each(['', '0', '-1', 'max', '536870912 bytes'])(
    'has no limit where the group says %j',
    async text => {
      const roots = rewritten('container', { 'sys/fs/cgroup/memory.max': text })
      expect(await read(memoryProbe, roots)).toMatchObject({ values: { isLimited: false } })
    },
  )

  test('is absent where a limit is known and what is used of it is not', async () => {
    const roots = copiedBoard('container')
    rmSync(join(roots.sysRoot, 'fs/cgroup/memory.current'))
    expect(await read(memoryProbe, roots)).toMatchObject({ status: 'absent' })
  })
})

describe('a network interface', () => {
  const WIRELESS = 'proc/net/wireless'

  test.each(['', '-1', '0', '4294967295', '1Gb'])('with the speed %j has none', async text => {
    const roots = rewritten('raspberry-pi-5', { 'sys/class/net/eth0/speed': text })
    const result = await read(networkProbe, roots)
    if (result.status !== 'ok') expect.unreachable(result.reason)
    const eth0 = result.values.interfaces.find(({ name }) => name === 'eth0')
    expect(eth0).toEqual({ name: 'eth0', kind: 'ethernet', isUp: true })
  })

  // 42 of 70, never set, and above what a radio can hear.
  test.each(['42.', '-256', '-300.', '0'])('with the level %s has no signal', async level => {
    const line = ` wlan0: 0000   58.  ${level}  -256        0      0      0      0    122        0\n`
    const result = await read(networkProbe, rewritten('raspberry-pi-4', { [WIRELESS]: line }))
    if (result.status !== 'ok') expect.unreachable(result.reason)
    const wlan0 = result.values.interfaces.find(({ name }) => name === 'wlan0')
    expect(wlan0).toEqual({ name: 'wlan0', kind: 'wifi', isUp: true })
    expect(result.discarded).toEqual(['net/wireless: the level of wlan0 is not in dBm'])
  })

  test('says how strong its signal is where the driver tells it in dBm', async () => {
    const result = await read(networkProbe, copiedBoard('raspberry-pi-4'))
    if (result.status !== 'ok') expect.unreachable(result.reason)
    expect(result.values.interfaces).toContainEqual({
      name: 'wlan0',
      kind: 'wifi',
      isUp: true,
      rssiDbm: -52,
    })
  })

  test('is told from bridges, tunnels and modems', async () => {
    const result = await read(networkProbe, copiedBoard('x64-server'))
    if (result.status !== 'ok') expect.unreachable(result.reason)
    const kinds = result.values.interfaces.map(({ name, kind }) => [name, kind])
    expect(Object.fromEntries(kinds)).toEqual({
      lo: 'loopback',
      eno1: 'ethernet',
      eno2: 'ethernet',
      docker0: 'virtual',
      wg0: 'virtual',
      wwan0: 'cellular',
    })
  })
})

test('a clock of 1970 is said as it is', async () => {
  const clock = { now: () => 0, at: () => expect.unreachable('no probe waits on this clock') }
  const result = await runProbe(thermalProbe, { roots: copiedBoard('jetson-orin'), log, clock })
  expect(result).toMatchObject({ status: 'ok', measuredAt: '1970-01-01T00:00:00.000Z' })
})

test('a probe that finds rubbish does not stop the others', async () => {
  const roots = rewritten('jetson-orin', {
    [ZONE]: '\u0000\u0001\ufffd',
    [LOAD]: 'x'.repeat(100_000),
    [EMC]: '\n\n\n',
    [`${MONITOR}/name`]: '\u0000',
    'proc/meminfo': 'MemTotal',
    'proc/pressure/cpu': '\u0000',
  })
  const {
    compute: _,
    link: __,
    ...probes
  } = buildProbes({
    link: { peer: () => undefined, bytesMax: 1 },
    filesRoot: roots.filesRoot,
  })
  const outcomes: Record<string, string> = {}
  for (const [name, probe] of Object.entries(probes)) {
    outcomes[name] = (await read(probe as Probe<unknown>, roots)).status
  }
  expect(outcomes).toEqual({
    cpu: 'ok',
    memory: 'absent',
    pressure: 'ok',
    thermal: 'ok',
    throttle: 'ok',
    power: 'absent',
    powerMode: 'ok',
    gpu: 'ok',
    emc: 'absent',
    network: 'ok',
  })
})
