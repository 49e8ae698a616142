import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { looksCellular, readLinkInterface } from '../../../../agent/measure/link/link-interface.ts'
import { temporaryDirectory } from '../../../support/directories.ts'

/** A sysfs with one interface: its uevent, and that of its device. */
function sysfsWith(
  name: string,
  { uevent = '', device = '' }: { uevent?: string; device?: string },
) {
  const root = temporaryDirectory()
  const folder = join(root, 'class/net', name)
  mkdirSync(join(folder, 'device'), { recursive: true })
  writeFileSync(join(folder, 'uevent'), uevent)
  writeFileSync(join(folder, 'device/uevent'), device)
  return root
}

describe('mobile broadband', () => {
  test.each([
    ['wwan0', {}],
    ['wwp0s20u4i8', {}],
    ['ppp0', {}],
    ['eth7', { uevent: 'DEVTYPE=wwan\nINTERFACE=eth7\n' }],
    ['usb0', { device: 'DEVTYPE=usb_interface\nDRIVER=cdc_mbim\n' }],
  ] as const)('is %s', async (name, files) => {
    expect(await looksCellular(name, sysfsWith(name, files))).toBe(true)
  })

  test.each([
    ['eth0', {}],
    ['wlan0', { uevent: 'DEVTYPE=wlan\n' }],
    ['usb0', { uevent: 'DEVTYPE=gadget\n' }],
    ['enx001', { device: 'DRIVER=cdc_ether\n' }],
  ] as const)('is not %s', async (name, files) => {
    expect(await looksCellular(name, sysfsWith(name, files))).toBe(false)
  })
})

describe('the interface of a link', () => {
  const read = (metered: 'auto' | 'yes' | 'no', localAddress: string | undefined = '127.0.0.1') =>
    readLinkInterface({ localAddress, sysRoot: '/sys', network: undefined, metered })

  test('is the one that has the address of the socket', async () => {
    expect(await read('auto')).toMatchObject({ name: 'lo', isMetered: false })
    expect(await read('auto', '::ffff:127.0.0.1')).toMatchObject({ name: 'lo' })
  })

  test('costs money where the configuration says so', async () => {
    expect(await read('yes')).toMatchObject({ isMetered: true })
    expect(await read('no')).toMatchObject({ isMetered: false })
  })

  test('is unknown while there is no connection', async () => {
    expect(await read('auto', '203.0.113.9')).toBeUndefined()
  })
})
