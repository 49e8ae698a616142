import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { clockCheck } from '../../../agent/doctor/clock-check.ts'
import { mayUse } from '../../../agent/doctor/device-access.ts'
import { examine, hasFault } from '../../../agent/doctor/examine.ts'
import { receiverCheck } from '../../../agent/doctor/receiver-check.ts'
import { glibcFinding, pageFinding } from '../../../agent/doctor/runtime-check.ts'
import { serialCheck } from '../../../agent/doctor/serial-check.ts'
import { throttleCheck } from '../../../agent/doctor/throttle-check.ts'
import { agentUser } from '../../../agent/doctor/users.ts'
import { AgentConfig } from '../../../config/agent-schema.ts'
import { contextOf, machineTree, NOBODY } from './machine-tree.ts'

const BOARD = {
  'sys/class/tty/ttyUSB0/device': '-> ../../../devices/usb1/1-1/1-1:1.0/ttyUSB0',
  'sys/devices/usb1/1-1/1-1:1.0/ttyUSB0/port_number': '0',
  'sys/devices/usb1/1-1/idVendor': '10c4\n',
  'sys/devices/usb1/1-1/idProduct': 'ea60\n',
  'sys/devices/usb1/1-1/serial': '0001\n',
  'dev/ttyUSB0': '',
}
const RECEIVER = {
  'sys/bus/usb/devices/1-2/idVendor': '0bda\n',
  'sys/bus/usb/devices/1-2/idProduct': '2838\n',
  'sys/bus/usb/devices/1-2/busnum': '1\n',
  'sys/bus/usb/devices/1-2/devnum': '7\n',
  'sys/bus/usb/devices/1-2:1.0/bInterfaceClass': 'ff\n',
  'dev/bus/usb/001/007': '',
}

/** The group that files of this test run are of, by the name that the distribution gives it. */
function groupFile(roots: { readonly devRoot: string }, device: string, name: string): string {
  const { gid } = statSync(join(roots.devRoot, device))
  return `root:x:0:\n${name}:x:${gid === 0 ? 20 : gid}:\n`
}

describe('a user', () => {
  const etc = {
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\ngainnet:x:990:991::/var/lib/gainnet:/bin/false\n',
    'etc/group': 'dialout:x:20:pi,gainnet\nvideo:x:44:pi\ngainnet:x:991:\n',
  }

  test('is that of the package where there is one, with its groups', async () => {
    const { etcRoot } = machineTree(etc)
    expect(await agentUser(etcRoot, undefined, { uid: 0, groups: [0] })).toEqual({
      name: 'gainnet',
      uid: 990,
      groups: [991, 20],
      isService: true,
    })
  })

  test('is whom the call names, else whoever calls', async () => {
    const current = { uid: 1000, groups: [1000] }
    expect(await agentUser(machineTree(etc).etcRoot, 'nobody-here', current)).toBeUndefined()
    const bare = machineTree({ 'etc/passwd': 'pi:x:1000:1000::/home/pi:/bin/bash\n' })
    expect(await agentUser(bare.etcRoot, undefined, current)).toMatchObject({
      name: 'pi',
      uid: 1000,
    })
  })

  test.each([
    [{ uid: 0, groups: [] }, 0o600, true],
    [{ uid: 5, groups: [] }, 0o600, true],
    [{ uid: 6, groups: [20] }, 0o660, true],
    [{ uid: 6, groups: [20] }, 0o640, false],
    [{ uid: 6, groups: [21] }, 0o660, false],
    [{ uid: 6, groups: [21] }, 0o666, true],
  ])('%j may use a device of user 5 and group 20 with mode %o: %s', (user, mode, may) => {
    expect(mayUse(user, { uid: 5, gid: 20, mode })).toBe(may)
  })
})

describe('serial ports', () => {
  test('that the agent may not open come with the command that lets it', async () => {
    const roots = machineTree(BOARD)
    const isRoot = statSync(join(roots.devRoot, 'ttyUSB0')).gid === 0
    const etc = machineTree({ 'etc/group': groupFile(roots, 'ttyUSB0', 'dialout') })
    const context = contextOf({ roots: { ...roots, etcRoot: etc.etcRoot } })
    const [access] = await serialCheck.run(context)
    expect(access).toMatchObject({
      outcome: 'fault',
      text: expect.stringContaining('gainnet may not use the serial port'),
      remedy: isRoot
        ? expect.stringContaining('sudo chgrp dialout')
        : 'sudo usermod -aG dialout gainnet && sudo systemctl restart gainnet-agent',
    })
  })

  test('without a lasting name are named by what their plug says', async () => {
    const [, name] = await serialCheck.run(contextOf({ roots: machineTree(BOARD) }))
    expect(name).toMatchObject({ outcome: 'warning' })
    expect(name?.remedy).toContain('port: "10c4:ea60:0001"')
    const linked = { ...BOARD, 'dev/serial/by-id/usb-board': '-> ../../ttyUSB0' }
    const [, good] = await serialCheck.run(contextOf({ roots: machineTree(linked) }))
    expect(good).toMatchObject({ outcome: 'ok' })
  })

  test('of two boards with one name are told apart by their place', async () => {
    const twin = Object.fromEntries(
      Object.entries(BOARD).map(([path, content]) => [
        path.replaceAll('1-1', '1-3').replaceAll('ttyUSB0', 'ttyUSB1'),
        content.replaceAll('1-1', '1-3').replaceAll('ttyUSB0', 'ttyUSB1'),
      ]),
    )
    const findings = await serialCheck.run(contextOf({ roots: machineTree({ ...BOARD, ...twin }) }))
    const doubled = findings.filter(({ text }) => text.includes('2 boards call themselves'))
    expect(doubled.length).toBe(2)
    expect(doubled[0]?.remedy).toContain('/dev/serial/by-path')
  })

  test('that the configuration names by their number get the name that lasts', async () => {
    const roots = machineTree(BOARD)
    const found = async (named: string) => {
      const sensors = [{ kind: 'serial', id: 'radar', driver: 'ti-mmwave', port: named }]
      const config = AgentConfig.parse({ agentId: 'pi-04', stateDirectory: '/tmp', sensors })
      const findings = await serialCheck.run(contextOf({ roots, config }))
      return findings.find(({ text }) => text.includes('the sensor radar is named'))
    }
    expect(await found('10c4:ea60:0001')).toBeUndefined()
    expect(await found('/dev/ttyUSB7')).toMatchObject({
      outcome: 'warning',
      remedy: expect.stringContaining('gainnet firmware list'),
    })
  })

  test('are absent where nothing is plugged in', async () => {
    expect(await serialCheck.run(contextOf({}))).toMatchObject([{ outcome: 'absent' }])
  })
})

describe('receivers', () => {
  test('that the television driver holds are named with what frees them', async () => {
    const held = '-> ../../../../bus/usb/drivers/dvb_usb_rtl28xxu'
    const roots = machineTree({ ...RECEIVER, 'sys/bus/usb/devices/1-2:1.0/driver': held })
    const [finding] = await receiverCheck.run(contextOf({ roots }))
    expect(finding?.outcome).toBe('fault')
    expect(finding?.remedy).toContain("echo 'blacklist dvb_usb_rtl28xxu' | sudo tee")
    expect(finding?.remedy).toContain('sudo modprobe -r dvb_usb_rtl28xxu')
  })

  test('that belong to no group come with the udev rule', async () => {
    const [finding] = await receiverCheck.run(contextOf({ roots: machineTree(RECEIVER) }))
    expect(finding?.outcome).toBe('fault')
    expect(finding?.remedy).toContain('ATTR{idProduct}=="2838", GROUP="plugdev"')
  })

  test('that the agent may open are well', async () => {
    const user = { ...NOBODY, uid: 0 }
    const findings = await receiverCheck.run(contextOf({ roots: machineTree(RECEIVER), user }))
    expect(findings).toMatchObject([{ outcome: 'ok' }])
  })
})

describe('the machine', () => {
  test('whose clock begins in 1970 is at fault', async () => {
    expect(await clockCheck.run(contextOf({ nowMs: 60_000 }))).toMatchObject([{ outcome: 'fault' }])
  })

  test('whose clock nobody keeps is warned of, one that NTP keeps is not', async () => {
    expect(await clockCheck.run(contextOf({}))).toMatchObject([{ outcome: 'warning' }])
    const kept = machineTree({ 'run/systemd/timesync/synchronized': '' })
    expect(await clockCheck.run(contextOf({ roots: kept }))).toMatchObject([{ outcome: 'ok' }])
  })

  test('with a weak supply is told to take a stronger one', async () => {
    const word = 'sys/devices/platform/soc/soc:firmware/get_throttled'
    const run = async (text: string) => {
      const [finding] = await throttleCheck.run(contextOf({ roots: machineTree({ [word]: text }) }))
      return finding
    }
    expect(await run('50005\n')).toMatchObject({ outcome: 'fault' })
    expect((await run('50000\n'))?.remedy).toContain('stronger supply')
    expect(await run('0\n')).toMatchObject({ outcome: 'ok' })
  })

  test.each([
    ['2.27', 'fault'],
    ['2.28', 'ok'],
    ['2.36', 'ok'],
    ['3.0', 'ok'],
    [undefined, 'warning'],
  ])('with glibc %s: %s', (version, outcome) => {
    expect(glibcFinding(version).outcome).toBe(outcome)
  })

  test.each([
    [4096, 'ok'],
    [16_384, 'ok'],
    [65_536, 'warning'],
    [undefined, 'absent'],
  ])('with pages of %s bytes: %s', (bytes, outcome) => {
    expect(pageFinding(bytes).outcome).toBe(outcome)
  })
})

test('a check that throws or hangs is a finding, and the others go on', async () => {
  const { signal: _, ...context } = contextOf({})
  const examinations = await examine(
    [
      { name: 'thrown', durationMsMax: 1000, run: () => Promise.reject(new Error('no such luck')) },
      { name: 'hanging', durationMsMax: 20, run: () => new Promise(() => undefined) },
      clockCheck,
    ],
    context,
  )
  expect(examinations.map(({ findings }) => findings[0]?.outcome)).toEqual([
    'fault',
    'fault',
    'warning',
  ])
  expect(examinations[0]?.findings[0]?.text).toContain('no such luck')
  expect(hasFault(examinations)).toBe(true)
})
