import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { computeProbe } from '../../../agent/measure/compute/compute-probe.ts'
import { USUAL_EFFORT } from '../../../agent/measure/compute/measure-kernels.ts'
import type { LinkPeer } from '../../../agent/measure/link/link-probe.ts'
import type { Train } from '../../../agent/measure/link/mqtt-trains.ts'
import { runProbe } from '../../../agent/measure/probe.ts'
import { type MeasureOptions, measure } from '../../../agent/measure-command.ts'
import { AgentConfig } from '../../../config/agent-schema.ts'
import { createLogger } from '../../../runtime/logger.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gainnet-measure-'))
})

afterAll(() => rm(folder, { recursive: true }))

async function output(options: Omit<MeasureOptions, 'output'>): Promise<string> {
  const config = AgentConfig.parse({ agentId: 'bench', stateDirectory: folder })
  const stream = new PassThrough()
  const printed = text(stream)
  await measure(config, { ...options, output: stream })
  stream.end()
  return printed
}

/** A link of 8 Mbit/s down and 2 Mbit/s up, whose time passes in no time. */
const peer: LinkPeer = {
  exchangeClock: async () => ({ rttMs: 4, offsetMs: 0 }),
  download: async train => arrived(train, 8e6),
  upload: async train => arrived(train, 2e6),
}

function arrived({ blocks, blockBytes }: Train, bitsPerSecond: number) {
  const receivedBytes = (blocks - 1) * blockBytes
  return { receivedBytes, durationMs: (receivedBytes * 8000) / bitsPerSecond }
}

describe('gainnet measure', () => {
  test('shows every probe, and the computing matrix of this machine, in 80 columns', async () => {
    const page = await output({ json: false })
    expect(page).toMatch(/^ cpu +ok /m)
    expect(page).toMatch(/^ memory +ok /m)
    expect(page).toMatch(/^ thermal +(ok|absent) /m)
    expect(page).toMatch(/^ compute +ok /m)
    expect(page).toMatch(/^ +training, .* \d+(\.\d+)? [MG]FLOP\/s$/m)
    expect(page).toMatch(/^ link +absent +no controller/m)
    // Shades, or digits where the locale of the test run is not UTF-8.
    expect(page).toMatch(/^ +cpu\d+ {2}[·░▒▓█\d -]{57,60}$/m)
    expect(page).toContain('Not known: no controller')
    for (const line of page.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('prints the URP as one JSON document, the matrices as rows', async () => {
    const document = JSON.parse(await output({ json: true, link: { peer, interfaceName: 'lo' } }))
    expect(document.computing.availability).toHaveLength(10)
    expect(document.computing.availability[0]).toHaveLength(document.computing.units.length)
    expect(document.frequency[0].availability[0]).toHaveLength(10)
    expect(document.links[0].downlinkBitsPerSecond.p50).toBeCloseTo(8e6, 0)
    expect(document.links[0].uplinkBitsPerSecond.p50).toBeCloseTo(2e6, 0)
    expect(document.provenance.link).toMatchObject({ status: 'ok' })
    for (const share of document.computing.availability.flat()) {
      expect(share).toBeGreaterThanOrEqual(0)
      expect(share).toBeLessThanOrEqual(0.8)
    }
  })
})

describe('the compute probe on this machine', () => {
  test('measures real training kernels and lets two of them take turns', async () => {
    const probe = computeProbe({
      startTrainer: options => TrainerProcess.start(options),
      effort: { ...USUAL_EFFORT, runsMin: 3, runsMax: 3 },
      lockPath: join(folder, 'compute.lock'),
    })
    const context = {
      roots: { procRoot: '/proc', sysRoot: '/sys' },
      log: createLogger({ daemon: 'test', level: 'silent' }),
    }
    const results = await Promise.all([runProbe(probe, context), runProbe(probe, context)])
    for (const result of results) {
      if (result.status !== 'ok') throw new Error(result.reason)
      for (const { trainingFlopsPerSecond, gemmFlopsPerSecond } of result.values.classes) {
        expect(trainingFlopsPerSecond).toBeGreaterThan(1e7)
        expect(gemmFlopsPerSecond).toBeGreaterThan(1e7)
      }
    }
  })
})
