import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { interfaceOf, parseInterfaceBytes } from '../../../agent/urp/link-load.ts'
import { blocksOf, SlotLoad, type SlotLoadOptions } from '../../../agent/urp/slot-load.ts'
import { matrixOf } from '../../../protocol/matrix.ts'
import type { Clock } from '../../../runtime/clock.ts'

const SLOT_MS = 1000
let procRoot: string
let nowMs: number

const clock: Clock = {
  now: () => nowMs,
  at: () => {
    throw new Error('slot load sets no timer')
  },
}

beforeEach(async () => {
  procRoot = await mkdtemp(join(tmpdir(), 'gainnet-proc-'))
  await mkdir(join(procRoot, 'net'))
  nowMs = 0
})

afterEach(() => rm(procRoot, { recursive: true }))

/** Sets the counters: busy and idle ticks of each core, bytes of wlan0. */
async function board(
  cores: readonly (readonly [busy: number, idle: number])[],
  { received = 0, sent = 0 } = {},
): Promise<void> {
  const lines = cores.map(([busy, idle], index) => `cpu${index} ${busy} 0 0 ${idle} 0 0 0 0 0 0`)
  await writeFile(join(procRoot, 'stat'), `${lines.join('\n')}\n`)
  const wlan = ` wlan0: ${received} 9 0 0 0 0 0 0 ${sent} 9 0 0 0 0 0 0\n`
  await writeFile(join(procRoot, 'net/dev'), wlan)
}

function slotLoad(options: Partial<SlotLoadOptions> = {}): SlotLoad {
  return new SlotLoad({
    procRoot,
    sysRoot: join(procRoot, 'no-sys'),
    slots: 3,
    slotMs: SLOT_MS,
    units: ['cpu0', 'cpu1'],
    computingShareMax: 0.8,
    clock,
    ...options,
  })
}

function rounded(values: Float32Array): number[] {
  return [...values].map(value => Math.round(value * 1000) / 1000)
}

describe('slot load', () => {
  test('gives what was free between two edges to the slot that began at the first', async () => {
    const load = slotLoad()
    await board([
      [0, 0],
      [0, 0],
    ])
    expect(load.edge(0)).toBeUndefined()
    nowMs += SLOT_MS
    await board([
      [75, 25],
      [100, 0],
    ])
    expect(load.edge(1)).toBeUndefined()
    const { computing } = load.current()
    expect(rounded(computing.values)).toEqual([
      0.25,
      0,
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ])
  })

  test('offers no more of a core than the limit', async () => {
    const load = slotLoad({ units: ['cpu0'], computingShareMax: 0.8 })
    await board([[0, 0]])
    load.edge(0)
    nowMs += SLOT_MS
    await board([[5, 95]])
    load.edge(1)
    expect(load.current().computing.values[0]).toBeCloseTo(0.8, 6)
  })

  test('offers the reserved share of a busy core, and no more than is free where more is', async () => {
    const load = slotLoad({ computingShareReserved: 0.3 })
    await board([
      [0, 0],
      [0, 0],
    ])
    load.edge(0)
    nowMs += SLOT_MS
    await board([
      [100, 0],
      [50, 50],
    ])
    load.edge(1)
    expect(rounded(load.current().computing.values.subarray(0, 2))).toEqual([0.3, 0.5])
  })

  test('hands over the round when the slots start over, and begins an empty one', async () => {
    const load = slotLoad({ units: ['cpu0'] })
    for (const [index, slot] of [0, 1, 2, 0].entries()) {
      await board([[index * 50, index * 50]])
      const ended = load.edge(slot)
      if (index === 3)
        expect(rounded(ended?.computing.values ?? new Float32Array())).toEqual([0.5, 0.5, 0.5])
      else expect(ended).toBeUndefined()
      nowMs += SLOT_MS
    }
    expect(rounded(load.current().computing.values)).toEqual([Number.NaN, Number.NaN, Number.NaN])
  })

  test('notes nothing for slots whose edges were missed', async () => {
    const load = slotLoad({ units: ['cpu0'] })
    await board([[0, 0]])
    load.edge(0)
    nowMs += 2 * SLOT_MS
    await board([[100, 100]])
    load.edge(2)
    // A whole round later: the index follows, the time does not.
    nowMs += 4 * SLOT_MS
    await board([[200, 200]])
    const ended = load.edge(0)
    expect(rounded(ended?.computing.values ?? new Float32Array())).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ])
  })

  test('knows nothing, and does not throw, without /proc/stat', async () => {
    const load = slotLoad({ procRoot: join(procRoot, 'missing'), units: ['cpu0'] })
    load.edge(0)
    nowMs += SLOT_MS
    load.edge(1)
    expect(load.current().computing.values[0]).toBeNaN()
  })

  test('takes the fuller direction of the link and leaves out our own bytes', async () => {
    let own = { receivedBytes: 0, sentBytes: 0 }
    const load = slotLoad({
      link: {
        interfaceName: 'wlan0',
        capacity: () => ({ downlinkBitsPerSecond: 8_000_000, uplinkBitsPerSecond: 800_000 }),
        ownBytes: () => own,
      },
    })
    await board([], { received: 1000, sent: 1000 })
    load.edge(0)
    nowMs += SLOT_MS
    // Of 60 kB sent 20 kB are ours: 40 kB in a second fill 0.4 of 800 kbit/s; down 0.1 is in use.
    own = { receivedBytes: 0, sentBytes: 20_000 }
    await board([], { received: 101_000, sent: 61_000 })
    load.edge(1)
    expect(load.current().link.values[0]).toBeCloseTo(0.6, 6)
  })

  test('does not know the link while its capacity is not measured', async () => {
    const load = slotLoad({ link: { interfaceName: 'wlan0', capacity: () => undefined } })
    await board([])
    load.edge(0)
    nowMs += SLOT_MS
    load.edge(1)
    expect(load.current().link.values[0]).toBeNaN()
  })
})

describe('resource blocks of a link share', () => {
  test('are filled from the first: whole ones, one in part, none', () => {
    const share = matrixOf(1, 1, () => 0.34)
    expect(rounded(blocksOf(share, 10).values)).toEqual([1, 1, 1, 0.4, 0, 0, 0, 0, 0, 0])
  })

  test('are all free or all taken at the ends', () => {
    const share = matrixOf(2, 1, slot => slot)
    expect(rounded(blocksOf(share, 4).values)).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
  })
})

describe('network interfaces', () => {
  test('are read from /proc/net/dev, with and without a space after the colon', () => {
    const text = `Inter-|   Receive
 face |bytes    packets
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
  eth0:350343072    9022    0    0    0     0          0         0   568700    4958    0    0    0     0       0          0
`
    expect([...parseInterfaceBytes(text)]).toEqual([
      ['lo', { receivedBytes: 3193, sentBytes: 3193 }],
      ['eth0', { receivedBytes: 350_343_072, sentBytes: 568_700 }],
    ])
  })

  test('are found by the address of a socket', () => {
    const address = { netmask: '', family: 'IPv4', mac: '', internal: false, cidr: null } as const
    const interfaces = {
      lo: [{ ...address, address: '127.0.0.1' }],
      wlan0: [{ ...address, address: '192.0.2.7' }],
    }
    expect(interfaceOf('192.0.2.7', interfaces)).toBe('wlan0')
    expect(interfaceOf('::ffff:127.0.0.1', interfaces)).toBe('lo')
    expect(interfaceOf('198.51.100.1', interfaces)).toBeUndefined()
  })
})
