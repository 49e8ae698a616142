import { describe, expect, test } from 'vitest'
import { sumRate } from '../../../../controller/power/channel-gains.ts'
import { adviseUplinkPower } from '../../../../controller/power/uplink-power.ts'
import { matrixOf } from '../../../../protocol/matrix.ts'
import { UplinkPower } from '../../../../protocol/uplink-power.ts'
import type { LinkFigures, Urp } from '../../../../protocol/urp.ts'
import { urpOf } from '../../orchestrate/urps.ts'
import { offerOf, plan, sensedBy } from '../../rounds/plans.ts'

const at = '2026-01-01T00:00:00.000Z'

/** Ten blocks of 180 kHz, of which each may be free for another part of the time. */
function radioUrp(free: (block: number) => number, link: Partial<LinkFigures> = {}): Urp {
  const urp = urpOf()
  const [figures] = urp.links
  return {
    ...urp,
    frequency: [
      {
        link: 'edge',
        kind: 'spectrum',
        blockCount: 10,
        blockWidthHz: 180_000,
        availability: matrixOf(4, 10, (_, block) => free(block)),
      },
    ],
    links: figures ? [{ ...figures, ...link }] : [],
  }
}

const cell = (sinrDb: number) => ({ cell: { sinrDb, measuredAt: at } })

describe('advice on the power of an uplink', () => {
  test('is the even allocation where all blocks are as good, and says that this is exact', () => {
    const advice = adviseUplinkPower(
      radioUrp(() => 1, cell(10)),
      'edge',
    )
    expect(advice?.method).toBe('even')
    for (const share of advice?.shares ?? []) expect(share).toBeCloseTo(0.1, 12)
    expect(UplinkPower.parse(advice)).toEqual(advice)
  })

  test('fills the better blocks where they differ, and gains by it', () => {
    const advice = adviseUplinkPower(
      radioUrp(block => (block < 5 ? 1 : 0.1), cell(-5)),
      'edge',
    )
    expect(advice?.method).toBe('water-filling')
    const shares = Float64Array.from(advice?.shares ?? [])
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
    expect(Math.min(...shares.subarray(0, 5))).toBeGreaterThan(Math.max(...shares.subarray(5)))
    const snr = 10 ** -0.5
    const gains = Float64Array.from({ length: 10 }, (_, block) => 10 * snr * (block < 5 ? 1 : 0.1))
    expect(sumRate(gains, shares)).toBeGreaterThan(sumRate(gains, new Float64Array(10).fill(0.1)))
  })

  test('lets no block stand out by more than 6 dB', () => {
    const advice = adviseUplinkPower(
      radioUrp(block => (block === 0 ? 1 : 0), cell(0)),
      'edge',
    )
    expect(Math.max(...(advice?.shares ?? []))).toBeCloseTo(0.4, 12)
  })

  test('asks for less where the link has more than the best modulation needs', () => {
    expect(
      adviseUplinkPower(
        radioUrp(() => 1, cell(45)),
        'edge',
      )?.changeDb,
    ).toBeCloseTo(-14, 0)
    expect(
      adviseUplinkPower(
        radioUrp(() => 1, cell(0)),
        'edge',
      )?.changeDb,
    ).toBe(6)
  })

  test('takes the signal to noise ratio from goodput where no modem tells it', () => {
    // 10 Mbit/s in 1.8 MHz.
    const advice = adviseUplinkPower(
      radioUrp(() => 1),
      'edge',
    )
    expect(advice?.snrDb).toBeCloseTo(10 * Math.log10(2 ** (10 / 1.8) - 1), 9)
  })

  test('takes it from level and noise of a Wi-Fi radio, whose blocks are shares of the link', () => {
    const urp = urpOf()
    const channel = {
      frequencyHz: 5.18e9,
      busyShare: 0.2,
      heardSeconds: 1,
      noiseDbm: -95,
      measuredAt: at,
    }
    const wifi = { name: 'wlan0', kind: 'wifi', isMetered: false, rssiDbm: -50 }
    const links = urp.links.map(figures => ({ ...figures, channel, interface: wifi }))
    const advice = adviseUplinkPower({ ...urp, links }, 'edge')
    expect(advice).toMatchObject({ method: 'even', snrDb: 45 })
    expect(advice?.changeDb).toBeLessThan(0)
  })

  test('is feasible when a device claims a signal without bounds', () => {
    for (const sinrDb of [1e9, -1e9]) {
      const advice = adviseUplinkPower(
        radioUrp(block => block / 9, cell(sinrDb)),
        'edge',
      )
      expect(UplinkPower.safeParse(advice).success, `${sinrDb} dB`).toBe(true)
      expect(advice?.shares.reduce((sum, share) => sum + share, 0)).toBeLessThan(1 + 1e-9)
    }
  })

  test('is not given where no signal to noise ratio is known', () => {
    expect(adviseUplinkPower(urpOf(), 'edge')).toBeNull()
    expect(
      adviseUplinkPower(
        radioUrp(() => 1, cell(10)),
        'elsewhere',
      ),
    ).toBeNull()
    expect(adviseUplinkPower(undefined, 'edge')).toBeNull()
  })
})

test('the order to consume carries the advice, and the one without a radio carries none', () => {
  const { frequency, links } = radioUrp(() => 1, cell(10))
  const sensed = sensedBy('a', 300)
  const orderFor = (urp: Urp) => plan({ urps: new Map([['a', urp]]), sensed }).assignments[0]
  const radio = orderFor({ ...offerOf(), frequency, links })
  expect(radio?.assignment.consume?.uplinkPower?.method).toBe('even')
  const wired = orderFor(offerOf())
  expect(wired?.assignment.consume).not.toBeNull()
  expect(wired?.assignment.consume?.uplinkPower).toBeUndefined()
})
