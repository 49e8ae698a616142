import type { AgentConfig } from '../config/agent-schema.ts'
import { parseBrokerUrl } from '../protocol/broker-address.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Random } from '../runtime/seeded-random.ts'
import { ClockSync } from './clock/clock-sync.ts'
import { ControllerPeer } from './controller-peer.ts'
import { CostLedger } from './cost/cost-ledger.ts'
import { ByteBudget } from './measure/link/byte-budget.ts'
import { readLinkInterface } from './measure/link/link-interface.ts'
import type { LinkPeer } from './measure/link/link-probe.ts'
import { LinkSeries } from './measure/link/link-series.ts'
import { LinkWatch } from './measure/link/link-watch.ts'
import { LookPlan } from './measure/link/look-plan.ts'
import { buildProbes } from './measure/registry.ts'
import { Measurements, type MeasurementsOptions } from './measurements.ts'

/** What measures the board and its link. */
export interface Measuring {
  readonly cost: CostLedger
  readonly linkWatch: LinkWatch
  readonly measurements: Measurements
  readonly clockSync: ClockSync
}

interface MeasuringOptions {
  readonly wire: WireSession
  readonly clock: Clock
  readonly random: Random
  readonly onFailed: MeasurementsOptions['onFailed']
  readonly log: Logger
}

/** The parts are built and hear answers; none of them measures yet. */
export async function buildMeasuring(
  config: AgentConfig,
  { wire, clock, random, onFailed, log }: MeasuringOptions,
): Promise<Measuring> {
  const { agentId, measure, link, linkGroup, broker } = config
  const probeHost = parseBrokerUrl(broker.url).host
  const peer = new ControllerPeer({ wire, agentId, clock, linkGroup, probeHost })
  await peer.start()
  const connectedPeer = () => (wire.connection.isConnected ? peer : undefined)
  const cost = new CostLedger({ clock })
  const series = new LinkSeries()
  const linkWatch = buildLinkWatch(config, {
    wire,
    series,
    cost,
    peer: connectedPeer,
    measurements: () => measurements,
    log,
  })
  const measurements = new Measurements({
    probes: buildProbes({
      link: { peer: connectedPeer, bytesMax: measure.linkBytesMax, budget: linkWatch },
    }),
    roots: { procRoot: measure.procRoot, sysRoot: measure.sysRoot },
    link,
    schedules: { compute: measure.computeSchedule, link: measure.linkSchedule },
    random,
    series,
    cost,
    onFailed,
    log,
  })
  return { cost, linkWatch, measurements, clockSync: new ClockSync({ peer, clock, cost, log }) }
}

function buildLinkWatch(
  { measure }: AgentConfig,
  o: {
    readonly wire: WireSession
    readonly series: LinkSeries
    readonly cost: CostLedger
    readonly peer: () => LinkPeer | undefined
    readonly measurements: () => Measurements
    readonly log: Logger
  },
): LinkWatch {
  const limits = {
    bytesPerDayMax: measure.linkBytesPerDayMax,
    capacityShareMax: measure.linkCapacityShareMax,
  }
  return new LinkWatch({
    peer: o.peer,
    series: o.series,
    budget: new ByteBudget(limits),
    plan: new LookPlan(limits),
    readInterface: () =>
      readLinkInterface({
        localAddress: o.wire.connection.localAddress,
        sysRoot: measure.sysRoot,
        network: o.measurements().results.network,
        metered: measure.linkMetered,
      }),
    measureNow: () => o.measurements().measureNow('link'),
    onSpent: spent => o.cost.add('link watch', spent),
    log: o.log,
  })
}
