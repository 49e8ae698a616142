import { describe, expect, test } from 'vitest'
import type { Paint } from '../../../agent/measure/heat-map.ts'
import { renderDiffPage } from '../../../cli/urp/diff-page.ts'
import { columnFigures, foldedMatrix } from '../../../cli/urp/folded-matrix.ts'
import { rowsOfUrp } from '../../../cli/urp/series-rows.ts'
import { differencesOf } from '../../../cli/urp/urp-differences.ts'
import { renderUrpPage } from '../../../cli/urp/urp-page.ts'
import { matrixOf } from '../../../protocol/matrix.ts'
import { sampleEntry, sampleUrp } from '../../support/sample-urp.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const COLOURS = /\u001b\[[\d;]*m/g

function longest(page: string): number {
  return Math.max(...page.split('\n').map(line => line.replace(COLOURS, '').length))
}

describe('a page of a URP', () => {
  const page = renderUrpPage({ agentId: 'pi-04', urp: sampleUrp(), paint: 'shades' })

  test('has figures with their spread, samples and method, and both matrices', () => {
    expect(page).toMatch(/^ URP of pi-04, round 7 .* UTC$/m)
    expect(page).toMatch(/^ {2}cpu0 +5\.40 GFLOP\/s +50 % free, +50 % to +50 % by slot$/m)
    expect(page).toMatch(/^ +cpu1 {2}▒+$/m)
    expect(page).toMatch(/^ +b0 {2}[·░▒▓█]+$/m)
    expect(page).toMatch(
      /^ {2}edge +downlink goodput +8\.00 Mbit\/s {2}7\.90 to 8\.20 Mbit\/s, n 3$/m,
    )
    expect(page).toMatch(/^ {2}clock +-3\.20 ms to the controller's, ±0\.800 ms, drifts 4\.1 ppm$/m)
    expect(page).toMatch(/^ {2}thermal +absent +no zones +12\.0 s before$/m)
  })

  test('says what a modem tells of its cell, and Wi-Fi of its channel', () => {
    const urp = sampleUrp()
    const measuredAt = urp.validUntil
    const air = {
      cell: { technology: 'LTE', band: 3, downlinkHz: 20e6, rsrpDbm: -91, sinrDb: 16, measuredAt },
      channel: { frequencyHz: 5.18e9, busyShare: 0.25, heardSeconds: 600, measuredAt },
    }
    const links = urp.links.map(link => ({ ...link, ...air }))
    const text = renderUrpPage({ agentId: 'pi-04', urp: { ...urp, links }, paint: 'shades' })
    expect(text).toMatch(/^ {2}edge +cell +LTE, band 3, 20\.0 MHz, RSRP -91 dBm, SINR 16 dB$/m)
    expect(text).toMatch(/^ {2}edge +channel +5180 MHz, 25\.0 % busy over 600 s$/m)
  })

  test.each<[string, Parameters<typeof sampleUrp>[0], Paint]>([
    ['of usual size', {}, 'truecolor'],
    ['with as many slots as the wire takes', { slots: 4096, cores: 1, blocks: 1 }, 'shades'],
    ['with as many units and blocks', { slots: 2, cores: 256, blocks: 512 }, 'ansi256'],
    ['with one slot', { slots: 1, cores: 1, blocks: 1 }, 'digits'],
  ])('%s is 80 columns wide at most', (_, options, paint) => {
    const text = renderUrpPage({ agentId: 'a'.repeat(64), urp: sampleUrp(options), paint })
    expect(longest(text)).toBeLessThanOrEqual(80)
    expect(text).not.toMatch(/NaN|undefined/)
  })

  test('in a plain terminal is ASCII', () => {
    const text = renderUrpPage({ agentId: undefined, urp: sampleUrp(), paint: 'digits' })
    expect(text).toMatch(/^[ -~\n]*$/)
  })

  test('says why what is not there is not', () => {
    const urp = {
      ...sampleUrp({ cores: 0 }),
      frequency: [],
      links: [],
      sensing: [],
      provenance: {
        compute: { ...absent, reason: 'another process was measuring' },
        link: { ...absent, reason: 'no controller' },
      },
    }
    const text = renderUrpPage({ agentId: 'pi-04', urp, paint: 'shades' })
    expect(text).toContain('Not known: another process was measuring')
    expect(text).toContain('Not known: no controller')
    expect(text).not.toContain('Sensing')
  })
})

const absent = {
  status: 'absent' as const,
  measuredAt: '2026-03-01T12:00:00.000Z',
  durationMs: 1,
}

describe('a folded matrix', () => {
  test('has means of neighbours, the last ones of fewer', () => {
    const matrix = matrixOf(5, 3, (row, column) => (row + column) / 8)
    const {
      matrix: small,
      slotsEach,
      columnsEach,
    } = foldedMatrix(matrix, {
      slotsMax: 3,
      columnsMax: 2,
    })
    expect([small.rows, small.columns, slotsEach, columnsEach]).toEqual([3, 2, 2, 2])
    expect(small.values[0]).toBeCloseTo((0 + 1 + 1 + 2) / 4 / 8)
    expect(small.values[5]).toBeCloseTo(6 / 8)
  })

  test('that fits stays as it is, and one without slots has no figures', () => {
    const matrix = matrixOf(2, 2, () => 1)
    expect(foldedMatrix(matrix, { slotsMax: 2, columnsMax: 2 }).matrix).toBe(matrix)
    expect(
      columnFigures(
        matrixOf(0, 1, () => 1),
        0,
      ),
    ).toBeUndefined()
  })
})

describe('a difference', () => {
  const before = sampleUrp()

  test('between a URP and itself, published again later, is none', () => {
    const again = sampleUrp({ crId: 8 })
    expect(differencesOf(before, again)).toEqual({ matrices: [], values: [], notes: [] })
  })

  test('has each unit whose share changed, with the slot that changed most', () => {
    const after = sampleUrp()
    after.computing.availability.values[2 * 2 + 1] = 0
    expect(differencesOf(before, after).matrices).toEqual([
      { kind: 'computing', name: 'cpu1', before: 0.5, after: 0.4, slot: 2, slotChange: -0.5 },
    ])
  })

  test('has each figure and word by its path, also one that came or went', () => {
    const { energy: _, ...rest } = before
    const after = {
      ...rest,
      energy: { powerWatts: 5 },
      links: [],
      computing: { ...before.computing, runtime: 'wasm' as const },
    }
    const { values } = differencesOf(before, after)
    expect(values).toContainEqual({ path: 'energy.powerWatts', before: undefined, after: 5 })
    expect(values).toContainEqual({ path: 'computing.runtime', before: 'native', after: 'wasm' })
    expect(values).toContainEqual({
      path: 'links.edge.rttMs.p50',
      before: 12,
      after: undefined,
    })
  })

  test('of units that moved is taken unit by unit', () => {
    const after = sampleUrp({ cores: 3 })
    after.computing.units.reverse()
    expect(differencesOf(before, after).matrices).toEqual([])
  })

  test('of another cut says that cells are not compared', () => {
    const { notes } = differencesOf(before, sampleUrp({ slots: 10 }))
    expect(notes).toContain('computing: 5 slots and 10 are not compared')
  })

  test('is shown in 80 columns, with what changed by how much', () => {
    const after = sampleUrp({ crId: 12, free: 0.25, slots: 5 })
    after.clock = { offsetMs: -3.1, errorMs: 0.8, measuredAt: after.sentAt }
    const text = renderDiffPage({
      before: { agentId: 'pi-04', urp: before },
      after: { agentId: 'a'.repeat(64), urp: after },
      differences: differencesOf(before, after),
      paint: 'shades',
    })
    expect(text).toMatch(
      /^ {2}computing cpu0 +50\.0 % +25\.0 % +-25\.0 pts +-25\.0 pts in slot 0$/m,
    )
    expect(text).toMatch(/^ {2}clock\.offsetMs +-3\.20 ms +-3\.10 ms +\+3\.1 %$/m)
    expect(text).toMatch(/^ {2}clock\.driftPpm +4\.10 ppm +not there$/m)
    expect(longest(text)).toBeLessThanOrEqual(80)
  })
})

describe('the rows of a series', () => {
  const entry = sampleEntry({ slots: 2, cores: 1, blocks: 1 })

  test('are one a cell, each with the time of its slot', () => {
    const rows = [...rowsOfUrp(entry, 'slot')]
    expect(rows).toHaveLength(2 * 3)
    expect(rows[1]).toEqual([
      entry.receivedAt,
      'pi-04',
      7,
      1,
      '2026-03-01T12:00:09.000Z',
      'computing',
      'cpu0',
      0.5,
      5.4e9,
      'FLOP/s',
    ])
  })

  test('are one a unit, block and memory, with mean, least and most', () => {
    const rows = [...rowsOfUrp(entry, 'unit')]
    expect(rows.map(row => row[7])).toEqual(['cpu0', 'edge/b0', 'memory'])
    expect(rows[1]?.slice(8, 11)).toEqual([0.125, 0, 0.25])
  })
})
