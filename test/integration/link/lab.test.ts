import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { iperf3 } from '../../../bench/lab/iperf3.ts'
import { Lab } from '../../../bench/lab/lab.ts'
import { whyNoLab } from '../../../bench/lab/lab-needs.ts'
import { ping } from '../../../bench/lab/ping.ts'
import { TCP_PAYLOAD_SHARE, type Wire } from '../../../bench/lab/wire.ts'
import { childModule } from '../../../runtime/child-module.ts'
import { waitFor } from '../../support/wait-for.ts'

const reason = whyNoLab()

describe.skipIf(reason)(`a lab${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab
  let wire: Wire
  beforeAll(() => {
    lab = Lab.create({ name: 'lab', hosts: ['board', 'edge'] })
    wire = lab.wire('board', 'edge')
  })
  afterAll(() => lab.remove())

  const pingEdge = (count: number) =>
    ping(lab, { from: 'board', address: wire.b.address, count, intervalMs: 5 })
  const iperf = (direction: 'down' | 'up') =>
    iperf3(lab, {
      server: 'edge',
      address: wire.b.address,
      client: 'board',
      direction,
      seconds: 1,
      omitSeconds: 1,
    })

  test('joins its hosts by a wire that is fast until it is shaped', async () => {
    const { rttMs, lossShare } = await pingEdge(20)
    expect(lossShare).toBe(0)
    expect(rttMs?.min).toBeLessThan(5)
  })

  test('lets as much through in each direction as it was told', async () => {
    await wire.shape({ up: { bitsPerSecond: 2e6 }, down: { bitsPerSecond: 20e6 } })
    const [up, down] = [await iperf('up'), await iperf('down')]
    for (const [got, rate] of [
      [up, 2e6],
      [down, 20e6],
    ] as const) {
      expect(got / (rate * TCP_PAYLOAD_SHARE)).toBeGreaterThan(0.8)
      expect(got / (rate * TCP_PAYLOAD_SHARE)).toBeLessThan(1.1)
    }
  })

  test('delays each direction for itself, and anew while it runs', async () => {
    await wire.shape({ up: { delayMs: 30 }, down: { delayMs: 10 } })
    const before = await pingEdge(10)
    await wire.shape({ up: { delayMs: 30 }, down: { delayMs: 90 } })
    const after = await pingEdge(10)
    expect(before.rttMs?.min).toBeGreaterThan(39)
    expect(before.rttMs?.min).toBeLessThan(60)
    expect(after.rttMs?.min).toBeGreaterThan(119)
    expect(after.rttMs?.min).toBeLessThan(150)
  })

  test('loses the share that it was told, and nothing else', async () => {
    await wire.shape({ up: { lossShare: 0.2 } })
    const { lossShare } = await pingEdge(200)
    // Of 200 fair draws, all but a few in ten thousand lie within four deviations.
    expect(lossShare).toBeGreaterThan(0.08)
    expect(lossShare).toBeLessThan(0.32)
    await wire.shape({})
    expect((await pingEdge(100)).lossShare).toBe(0)
  })

  test('passes nothing while a wire is cut, and all when it is mended', async () => {
    await wire.shape({})
    wire.cut()
    expect(await ping(lab, { from: 'board', address: wire.b.address, count: 2 })).toEqual({
      lossShare: 1,
      rttMs: undefined,
    })
    wire.mend()
    expect((await pingEdge(5)).lossShare).toBe(0)
  })

  test('of a process that was killed is removed with what ran in it, by the next lab', async () => {
    const { path, execArgv } = childModule(import.meta.url, './lab-of-a-short-life')
    const { pid, stdout } = spawnSync(process.execPath, [...execArgv, path])
    const left = Number(/^left (\d+)$/m.exec(String(stdout))?.[1])
    expect(namespacesOf(pid)).toHaveLength(3)
    expect(isAlive(left)).toBe(true)
    await Lab.create({ name: 'next', hosts: [] }).remove()
    expect(namespacesOf(pid)).toEqual([])
    await waitFor(() => !isAlive(left), { what: 'what ran in the namespace has ended' })
  })
})

function namespacesOf(pid: number): string[] {
  const { stdout } = spawnSync('ip', ['netns', 'list'])
  return String(stdout)
    .split('\n')
    .filter(line => line.startsWith(`gainnet-${pid}-`))
}

/** A zombie is not: who has to take its end may be busy. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', `${pid}`])
  return /^[^Z]/.test(String(stdout).trim())
}
