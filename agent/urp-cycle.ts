import { networkInterfaces } from 'node:os'
import type { Content } from '../protocol/messages.ts'
import type { ClockFigures, LinkFigures, SensingFigures } from '../protocol/urp.ts'
import type { WireSession } from '../protocol/wire-session.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { messageOf } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Stoppable } from '../runtime/shutdown.ts'
import type { CostLedger } from './cost/cost-ledger.ts'
import { type CrSchedule, crEndMs, scheduleAt, slotAt, slotStartMs } from './cr-schedule.ts'
import type { ProbeResults } from './measure/registry.ts'
import { sampleRound } from './measure/slot-sample.ts'
import { Forecaster } from './urp/forecast.ts'
import { interfaceOf } from './urp/link-load.ts'
import type { RadioPools } from './urp/radio-pools.ts'
import { type LinkCapacity, type RoundLoad, SlotLoad } from './urp/slot-load.ts'
import { buildUrp, FORECAST_METHODS } from './urp/urp-builder.ts'

/** A first look at the load before the agent has seen a whole round: about 20 ticks a slot. */
const WARM_UP_MS = 1000
/** The URP leaves this many slots before its round starts, to be there when it does. */
const LEAD_SLOTS = 0.5

export interface UrpCycleOptions {
  readonly agentId: string
  readonly link: string
  readonly procRoot: string
  readonly sysRoot: string
  /** Cores in the order of the matrix columns. */
  readonly units: () => readonly string[]
  readonly computingShareMax: () => number
  readonly computingShareReserved: number
  readonly limits: { readonly threads: number; readonly memoryBytes: number }
  readonly forecast: { readonly quantile: number; readonly roundsMax: number }
  readonly wire: WireSession
  readonly clock: Clock
  /** Controller's clock minus ours, in ms. */
  readonly offsetMs: () => number
  /** The same with its error bound; undefined while nothing is known. */
  readonly clockFigures: () => ClockFigures | undefined
  /** What watching and forecasting take is counted here. */
  readonly cost: Pick<CostLedger, 'charge' | 'ofRound'>
  readonly results: () => ProbeResults
  readonly linkFigures: () => LinkFigures | undefined
  readonly sensing: () => readonly SensingFigures[]
  readonly radioPools: Pick<RadioPools, 'forRound' | 'isThere'>
  readonly log: Logger
}

/**
 * Watches the slots of each communication round, forecasts the coming one and publishes its URP
 * shortly before it starts.
 */
export class UrpCycle implements Stoppable {
  readonly #options: UrpCycleOptions
  readonly #computing: Forecaster
  readonly #linkShare: Forecaster
  readonly #memory: Forecaster
  #schedule: CrSchedule | null = null
  #load: SlotLoad | null = null
  #timers: Timer[] = []
  #said: Content<'urp'> | null = null
  /** The last round of which the edge of a slot has come. */
  #begunCr: number | null = null
  #isStopped = false

  constructor(options: UrpCycleOptions) {
    this.#options = options
    this.#computing = new Forecaster(options.forecast)
    this.#linkShare = new Forecaster(options.forecast)
    this.#memory = new Forecaster(options.forecast)
  }

  /** The controller announced a round; called for each, the first one starts the watch. */
  async follow(announced: CrSchedule): Promise<void> {
    const known = this.#schedule
    const isSameCut = known?.slots === announced.slots && known.slotMs === announced.slotMs
    this.#schedule = announced
    if (!isSameCut) await this.#warmUp(announced)
    if (!this.#isStopped && this.#schedule === announced) this.#arm()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#disarm()
  }

  /** A sensor or a radio was lost or found: what was said last is said again without it, or with it. */
  onSensorChange(): void {
    const said = this.#said
    if (!said || this.#isStopped) return
    const { sensing, radioPools } = this.#options
    const isHeard = ({ kind, link }: Content<'urp'>['frequency'][number]): boolean =>
      kind !== 'spectrum' || radioPools.isThere(link)
    this.#send({ ...said, sensing: [...sensing()], frequency: said.frequency.filter(isHeard) })
  }

  async #warmUp({ crId, slots }: CrSchedule): Promise<void> {
    const round = { slots, slotMs: WARM_UP_MS / slots }
    const seen = await sampleRound(this.#slotLoad(round), round)
    this.#observe(crId - 1, seen)
    this.#load = null
  }

  #slotLoad(round: { readonly slots: number; readonly slotMs: number }): SlotLoad {
    const { procRoot, sysRoot, units, computingShareMax, computingShareReserved, wire, clock } =
      this.#options
    const { connection } = wire
    const address = connection.localAddress
    const interfaceName = address ? interfaceOf(address, networkInterfaces()) : undefined
    return new SlotLoad({
      procRoot,
      sysRoot,
      ...round,
      units: units(),
      computingShareMax: computingShareMax(),
      computingShareReserved,
      clock,
      ...(interfaceName
        ? {
            link: {
              interfaceName,
              capacity: () => this.#capacity(),
              ownBytes: () => ({
                receivedBytes: connection.bytesReceived,
                sentBytes: connection.bytesSent,
              }),
            },
          }
        : {}),
    })
  }

  #capacity(): LinkCapacity | undefined {
    const figures = this.#options.linkFigures()
    const downlinkBitsPerSecond = figures?.downlinkBitsPerSecond?.p50
    const uplinkBitsPerSecond = figures?.uplinkBitsPerSecond?.p50
    if (downlinkBitsPerSecond === undefined || uplinkBitsPerSecond === undefined) return undefined
    return { downlinkBitsPerSecond, uplinkBitsPerSecond }
  }

  /** One timer for the next slot edge, one for the next URP. */
  #arm(): void {
    this.#disarm()
    if (!this.#schedule || this.#isStopped) return
    const { clock } = this.#options
    const now = clock.now()
    const round = scheduleAt(this.#schedule, now)
    // The start of a round that has begun for us may be corrected to a moment from now.
    const hasBegun = now >= round.startsAtMs || round.crId === this.#begunCr
    const nextEdgeMs = hasBegun ? slotStartMs(round, slotAt(round, now) + 1) : round.startsAtMs
    // Before the first announced round there is only that one to describe.
    const upcoming = hasBegun ? nextRound(round) : round
    const urpAtMs = upcoming.startsAtMs - LEAD_SLOTS * round.slotMs
    this.#timers = [clock.at(nextEdgeMs, () => this.#onEdge())]
    if (urpAtMs > now) this.#timers.push(clock.at(urpAtMs, () => this.#publish(upcoming)))
    else if (!hasBegun) this.#publish(upcoming)
  }

  #disarm(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
  }

  #onEdge(): void {
    if (!this.#schedule) return
    const round = scheduleAt(this.#schedule, this.#options.clock.now())
    this.#begunCr = round.crId
    this.#load ??= this.#slotLoad(round)
    const { load, options } = { load: this.#load, options: this.#options }
    const ended = options.cost.charge('slots', () => load.edge(slotAt(round, options.clock.now())))
    if (ended) options.cost.charge('forecast', () => this.#observe(round.crId - 1, ended))
    this.#arm()
  }

  #observe(crId: number, { computing, link, memory }: RoundLoad): void {
    this.#computing.observe(crId, computing)
    this.#linkShare.observe(crId, link)
    this.#memory.observe(crId, memory)
  }

  #publish(round: CrSchedule): void {
    const { cost } = this.#options
    const urp = cost.charge('forecast', () => this.#build(round))
    this.#send({ ...urp, cost: cost.ofRound(round.crId) })
  }

  #send(urp: Content<'urp'>): void {
    const { wire, agentId, log } = this.#options
    this.#said = urp
    wire
      .publish('urp', { agentId }, urp)
      .then(() => log.debug({ crId: urp.crId }, 'urp published'))
      .catch(error => log.debug({ reason: messageOf(error) }, 'urp not sent'))
  }

  #build(round: CrSchedule): Content<'urp'> {
    const { options, current } = { options: this.#options, current: this.#load?.current() }
    const { crId, slots, slotMs } = round
    const computing = this.#computing.forecast(crId, current?.computing)
    const link = this.#linkShare.forecast(crId, current?.link)
    const memory = this.#memory.forecast(crId, current?.memory)
    return buildUrp({
      round: { crId, slots, slotMs, startsAtMs: round.startsAtMs + options.offsetMs() },
      results: options.results(),
      units: options.units(),
      computing: computing && {
        matrix: computing,
        method: FORECAST_METHODS.computing,
        errorMean: this.#computing.errorMean,
        forecasts: this.#computing.rows(options.units()),
      },
      link: link && {
        matrix: link,
        method: FORECAST_METHODS.link,
        errorMean: this.#linkShare.errorMean,
        forecasts: this.#linkShare.rows([options.link]),
      },
      memory: memory && {
        matrix: memory,
        method: FORECAST_METHODS.memory,
        errorMean: this.#memory.errorMean,
        forecasts: this.#memory.rows(['memory']),
      },
      linkName: options.link,
      linkFigures: options.linkFigures(),
      limits: options.limits,
      sensing: options.sensing(),
      radioPools: options.radioPools.forRound(round),
      clock: options.clockFigures(),
      forecastAt: new Date(options.clock.now()).toISOString(),
    })
  }
}

function nextRound(round: CrSchedule): CrSchedule {
  return { ...round, crId: round.crId + 1, startsAtMs: crEndMs(round) }
}
