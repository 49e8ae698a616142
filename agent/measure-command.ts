import type { Writable } from 'node:stream'
import type { AgentConfig } from '../config/agent-schema.ts'
import type { Matrix } from '../protocol/matrix.ts'
import type { SensingFigures } from '../protocol/urp.ts'
import { createLogger } from '../runtime/logger.ts'
import { computingShareOf } from './measure/cpu-probe.ts'
import { paintFor } from './measure/heat-map.ts'
import { readInventory } from './measure/inventory.ts'
import type { LinkPeer } from './measure/link/link-probe.ts'
import { LinkSeries } from './measure/link/link-series.ts'
import { renderMeasurePage } from './measure/measure-page.ts'
import { type BoardRoots, type Probe, type ProbeResult, runProbe } from './measure/probe.ts'
import { buildProbes, type ProbeName, type ProbeResults } from './measure/registry.ts'
import { filled, sampleRound } from './measure/slot-sample.ts'
import { SlotLoad } from './urp/slot-load.ts'
import { type Availability, buildUrp, type UrpContent } from './urp/urp-builder.ts'

export interface MeasureOptions {
  readonly json: boolean
  readonly output: Writable
  /** A connected controller and the interface that leads to it; without, the link is absent. */
  readonly link?: { readonly peer: LinkPeer; readonly interfaceName: string }
  readonly sensing?: readonly SensingFigures[]
}

/** One round of two seconds: enough ticks of 10 ms in each slot, short enough to wait for. */
const ROUND = { slots: 10, slotMs: 200 } as const

/** Reads every probe once, watches one round of slots and shows what this machine can do. */
export async function measure(config: AgentConfig, options: MeasureOptions): Promise<void> {
  const { json, output, link } = options
  const isTTY = 'isTTY' in output && output.isTTY === true
  const say = isTTY && !json ? (text: string) => output.write(`\r\u001b[K${text}`) : () => undefined
  // The page tells of each probe, failed ones too.
  const log = createLogger({ daemon: 'measure', level: 'silent' })
  const roots = { procRoot: config.measure.procRoot, sysRoot: config.measure.sysRoot }
  say(' reading what this board is …')
  const board = await readInventory({ ...roots, log })
  const probes = buildProbes({
    link: { peer: () => link?.peer, bytesMax: config.measure.linkBytesMax },
  })
  const results = await readAll(probes, {
    run: probe => {
      say(` measuring ${probe.name} …`)
      return runProbe(probe, { roots, log })
    },
  })
  say(` watching ${ROUND.slots} slots …`)
  const urp = await watchRound(config, { roots, results, options })
  say('')
  if (json) {
    output.write(`${printed(documentOf(urp))}\n`)
    return
  }
  output.write(
    renderMeasurePage({
      agentId: config.agentId,
      measuredAt: new Date().toISOString(),
      board,
      results: results as Readonly<Record<string, ProbeResult<unknown>>>,
      urp,
      computingShareMax: config.limits.computingShare,
      paint: paintFor({ isTTY, env: process.env }),
    }),
  )
}

/** One after the other: probes that run at the same time would measure each other. */
async function readAll(
  probes: ReturnType<typeof buildProbes>,
  { run }: { readonly run: (probe: Probe<unknown>) => Promise<ProbeResult<unknown>> },
): Promise<ProbeResults> {
  const results: Partial<Record<ProbeName, ProbeResult<unknown>>> = {}
  for (const [name, probe] of Object.entries(probes)) {
    results[name as ProbeName] = await run(probe)
  }
  // Each result is of the probe with its name; TypeScript loses that in the loop.
  return results as ProbeResults
}

async function watchRound(
  config: AgentConfig,
  context: {
    readonly roots: BoardRoots
    readonly results: ProbeResults
    readonly options: MeasureOptions
  },
): Promise<UrpContent> {
  const { roots, results, options } = context
  const cpu = results.cpu?.status === 'ok' ? results.cpu.values : { cores: [] }
  const units = cpu.cores.map(({ unit }) => unit)
  const linkResult = results.link?.status === 'ok' ? results.link : undefined
  const series = new LinkSeries()
  if (linkResult) series.add(linkResult.values, linkResult.measuredAt)
  const capacity = linkResult && {
    downlinkBitsPerSecond: linkResult.values.downlink.bitsPerSecond,
    uplinkBitsPerSecond: linkResult.values.uplink.bitsPerSecond,
  }
  const load = new SlotLoad({
    ...roots,
    ...ROUND,
    units,
    computingShareMax: computingShareOf(cpu, config.limits.computingShare),
    computingShareReserved: config.limits.computingShareReserved,
    ...(options.link && capacity
      ? { link: { interfaceName: options.link.interfaceName, capacity: () => capacity } }
      : {}),
  })
  const startsAtMs = Date.now()
  const { computing, link, memory } = await sampleRound(load, ROUND)
  return buildUrp({
    round: { crId: 0, ...ROUND, startsAtMs },
    results,
    units,
    computing: measuredAvailability(computing, 'free ticks per slot, as measured'),
    link: measuredAvailability(link, 'unused link rate per slot, as measured'),
    memory: measuredAvailability(memory, 'free memory per slot, as measured'),
    linkName: config.link,
    linkFigures: series.figures(config.link),
    limits: config.limits,
    sensing: options.sensing ?? [],
    forecastAt: new Date().toISOString(),
  })
}

function measuredAvailability(measured: Matrix, method: string): Availability | null {
  const matrix = filled(measured)
  return matrix && { matrix, method }
}

/** The URP with its matrices as arrays of rows, three digits, for people and their scripts. */
function documentOf(urp: UrpContent): unknown {
  const { frequency, computing, memory } = urp
  return {
    ...urp,
    frequency: frequency.map(pool => ({ ...pool, availability: rowsOf(pool.availability) })),
    computing: { ...computing, availability: rowsOf(computing.availability) },
    ...(memory?.availability
      ? { memory: { ...memory, availability: rowsOf(memory.availability) } }
      : {}),
  }
}

function rowsOf({ rows, columns, values }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    [...values.subarray(row * columns, (row + 1) * columns)].map(
      value => Math.round(value * 1000) / 1000,
    ),
  )
}

/** Indented JSON, but a row of numbers on one line. */
function printed(document: unknown): string {
  return JSON.stringify(document, null, 2).replace(/\[[\d.,\s]+\]/g, numbers =>
    numbers.replace(/\s+/g, '').replaceAll(',', ', '),
  )
}
