import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
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
import { type MeasureOptions, measure } from '../../../agent/measure-command/measure-command.ts'
import { measureSensors } from '../../../agent/measure-command/measure-sensors.ts'
import { refuseSpectrum } from '../../../agent/measure-command/measure-spectrum.ts'
import { AgentConfig } from '../../../config/agent-schema.ts'
import { parseUrpContent } from '../../../protocol/urp-series/urp-document.ts'
import { createLogger } from '../../../runtime/logger.ts'
import { TrainerProcess } from '../../../training/trainer/trainer-process.ts'
import { ROOT } from '../../support/root.ts'

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

describe('gainnet measure of a part', () => {
  const link = { peer, interfaceName: 'lo' }

  test('of the link has its figures with their samples, and only its matrix', async () => {
    const page = await output({ json: false, part: 'link', explain: true, link })
    expect(page).toMatch(/^ +downlink goodput .* 8\.00 Mbit\/s$/m)
    expect(page).toMatch(/^ +\d+ round trips; /m)
    expect(page).toContain('Time-frequency matrix')
    expect(page).not.toContain('Time-computing matrix')
    expect(page).not.toMatch(/^ compute/m)
    expect(page).toMatch(/^ What measuring took/m)
    for (const line of page.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  })

  test('has the measurements beside the URP in JSON, and a row a figure in CSV', async () => {
    const document = JSON.parse(await output({ json: true, part: 'link', link }))
    expect(parseUrpContent(withoutMeasurements(document))).toMatchObject({ ok: true })
    const [downlink] = document.measurements.link.figures
    expect(downlink).toMatchObject({
      name: 'downlink goodput',
      base: { value: expect.closeTo(8e6, -2), unit: 'bit/s' },
    })
    expect(document.measurements.link.cost.receivedBytes).toBeGreaterThan(32 * 1024)
    expect(document.cost.bytesSpent).toBeGreaterThan(64 * 1024)
    const csv = await output({ json: false, csv: true, part: 'link', link })
    expect(csv).toMatch(/^link,ok,downlink goodput,\d+(\.\d+)?,bit\/s,/m)
  })
})

describe('gainnet measure sensors', () => {
  const options = { seconds: 1, json: false, csv: false, explain: false }
  const sensorAt = (path: string) =>
    ({ kind: 'text-folder', id: `s-${path.length}`, path, bytesPerSecond: 4000 }) as const

  async function sensorsOutput(paths: readonly string[], more: object = {}): Promise<string> {
    const config = AgentConfig.parse({
      agentId: 'bench',
      stateDirectory: folder,
      sensors: paths.map(sensorAt),
    })
    const stream = new PassThrough()
    const printed = text(stream)
    try {
      await measureSensors(config, { ...options, ...more, output: stream })
    } finally {
      stream.end()
    }
    return printed
  }

  test('says what each delivers, also where another one is gone', async () => {
    const path = join(folder, 'texts')
    await mkdir(path)
    await writeFile(join(path, 'a.txt'), 'some words of text. '.repeat(100))
    const page = await sensorsOutput([path, join(folder, 'no such folder')])
    expect(page).toMatch(/^ s-\d+ +ok +text, bytes, recorded for /m)
    expect(page).toMatch(/^ +delivered +[34]\.\d+ kB\/s$/m)
    expect(page).toMatch(/^ s-\d+ +failed /m)
    const { sensors } = JSON.parse(await sensorsOutput([path], { json: true }))
    expect(Object.values(sensors)).toMatchObject([{ status: 'ok' }])
  })

  test('ends with an error where none delivers, and where none is configured', async () => {
    const gone = sensorsOutput([join(folder, 'no such folder')])
    await expect(gone).rejects.toMatchObject({ code: 'SENSOR_UNAVAILABLE' })
    await expect(sensorsOutput([])).rejects.toThrow('no sensor is configured')
  })
})

test('gainnet measure spectrum says what is missing and what is there', async () => {
  const folderOf = (board: string) => join(ROOT, 'test/fixtures/boards', board)
  const measured = (sysRoot: string) =>
    refuseSpectrum(
      AgentConfig.parse({ agentId: 'b', stateDirectory: folder, measure: { sysRoot } }),
    )
  await expect(measured(join(folderOf('x64-server'), 'sys'))).rejects.toMatchObject({
    code: 'SPECTRUM_UNAVAILABLE',
    message: expect.stringContaining('no radio is to be seen in'),
  })
})

function withoutMeasurements({ measurements: _, ...document }: Record<string, unknown>): unknown {
  return document
}

describe('the compute probe on this machine', () => {
  test('measures real training kernels and lets two of them take turns', async () => {
    const probe = computeProbe({
      startTrainer: options => TrainerProcess.start(options),
      extent: 'short',
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
