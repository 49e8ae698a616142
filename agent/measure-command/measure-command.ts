import type { Writable } from 'node:stream'
import type { AgentConfig } from '../../config/agent-schema.ts'
import type { Matrix } from '../../protocol/matrix.ts'
import type { SensingFigures } from '../../protocol/urp.ts'
import { urpDocument } from '../../protocol/urp-series/urp-document.ts'
import { systemClock } from '../../runtime/clock.ts'
import { createLogger } from '../../runtime/logger.ts'
import { printedRows } from '../../runtime/printed-json.ts'
import { CostLedger } from '../cost/cost-ledger.ts'
import { computingShareOf } from '../measure/cpu-probe.ts'
import { paintFor } from '../measure/heat-map.ts'
import { readInventory } from '../measure/inventory.ts'
import type { LinkPeer } from '../measure/link/link-probe.ts'
import { LinkSeries } from '../measure/link/link-series.ts'
import { readTcpInfo } from '../measure/link/tcp-info.ts'
import { readWifiLink } from '../measure/link/wifi-link.ts'
import { type MeasuredPart, renderMeasurePage } from '../measure/page/measure-page.ts'
import { measurementsCsv, measurementsDocument } from '../measure/page/measurements-document.ts'
import { type BoardRoots, type Probe, type ProbeResult, runProbe } from '../measure/probe.ts'
import { buildProbes, type ProbeName, type ProbeResults } from '../measure/registry.ts'
import { filled, sampleRound } from '../measure/slot-sample.ts'
import { SlotLoad } from '../urp/slot-load.ts'
import { type Availability, buildUrp, type UrpContent } from '../urp/urp-builder.ts'

export interface MeasureOptions {
  /** What is printed: a page, the URP as JSON, or the figures as CSV. */
  readonly json: boolean
  readonly csv?: boolean
  /** How each figure came about: on the page, and beside the URP in the JSON. */
  readonly explain?: boolean
  /** Everything where left out. */
  readonly part?: MeasuredPart
  readonly output: Writable
  /** A connected controller and the interface that leads to it; without, the link is absent. */
  readonly link?: { readonly peer: LinkPeer; readonly interfaceName: string }
  readonly sensing?: readonly SensingFigures[]
}

/** One round of two seconds: enough ticks of 10 ms in each slot, short enough to wait for. */
const ROUND = { slots: 10, slotMs: 200 } as const

/** What is read for a part: what its figures depend on, too. */
const PROBES: Readonly<Record<Exclude<MeasuredPart, 'all'>, readonly ProbeName[]>> = {
  link: ['network', 'link'],
  compute: ['cpu', 'memory', 'pressure', 'thermal', 'throttle', 'powerMode', 'compute'],
}

/** Reads every probe of the part once, watches one round of slots and shows what this machine can do. */
export async function measure(config: AgentConfig, options: MeasureOptions): Promise<void> {
  const { json, csv = false, explain = false, part = 'all', output, link } = options
  const isTTY = 'isTTY' in output && output.isTTY === true
  const say =
    isTTY && !json && !csv ? (text: string) => output.write(`\r\u001b[K${text}`) : () => undefined
  // The page tells of each probe, failed ones too.
  const log = createLogger({ daemon: 'measure', level: 'silent' })
  const roots = { procRoot: config.measure.procRoot, sysRoot: config.measure.sysRoot }
  say(' reading what this board is …')
  const board = await readInventory({ ...roots, log })
  const probes = buildProbes({
    link: {
      peer: () => link?.peer,
      bytesMax: config.measure.linkBytesMax,
      ...(link
        ? { tools: { readTcpInfo, readWifiLink: () => readWifiLink(link.interfaceName) } }
        : {}),
    },
    // Who asks for the rates alone gets all of them; the others are in a hurry.
    computeExtent: part === 'compute' ? 'full' : 'short',
  })
  const results = await readAll(probes, {
    names: part === 'all' ? undefined : PROBES[part],
    run: probe => {
      say(` measuring ${probe.name} …`)
      return runProbe(probe, { roots, log })
    },
  })
  say(` watching ${ROUND.slots} slots …`)
  const measured = results as Readonly<Record<string, ProbeResult<unknown>>>
  const watched = await watchRound(config, { roots, results, options })
  const urp = { ...watched, cost: costOf(measured) }
  say('')
  if (csv) {
    output.write(measurementsCsv(measured))
    return
  }
  if (json) {
    const isWhole = part === 'all' && !explain
    const more = isWhole ? {} : { measurements: measurementsDocument(measured) }
    output.write(`${printedRows({ ...urpDocument(urp), ...more })}\n`)
    return
  }
  output.write(
    renderMeasurePage({
      part,
      explain,
      agentId: config.agentId,
      measuredAt: new Date().toISOString(),
      board,
      results: measured,
      urp,
      computingShareMax: config.limits.computingShare,
      paint: paintFor({ isTTY, env: process.env }),
    }),
  )
}

function costOf(results: Readonly<Record<string, ProbeResult<unknown>>>): UrpContent['cost'] {
  const ledger = new CostLedger({ clock: systemClock })
  for (const [name, { cost = {} }] of Object.entries(results)) ledger.add(name, cost)
  return ledger.ofRound(0)
}

/** One after the other: probes that run at the same time would measure each other. */
async function readAll(
  probes: ReturnType<typeof buildProbes>,
  {
    names,
    run,
  }: {
    readonly names: readonly ProbeName[] | undefined
    readonly run: (probe: Probe<unknown>) => Promise<ProbeResult<unknown>>
  },
): Promise<ProbeResults> {
  const results: Partial<Record<ProbeName, ProbeResult<unknown>>> = {}
  for (const [name, probe] of Object.entries(probes)) {
    if (names && !names.includes(name as ProbeName)) continue
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
