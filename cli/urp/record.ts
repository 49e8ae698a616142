import { count } from '../../agent/measure/page/page-text.ts'
import { writtenBytes } from '../../agent/measure/written.ts'
import type { Urp } from '../../protocol/urp.ts'
import { readUrpSeries } from '../../protocol/urp-series/read-urp-series.ts'
import { readHeaderIfThere } from '../../protocol/urp-series/series-header.ts'
import { UrpSeriesWriter } from '../../protocol/urp-series/urp-series-writer.ts'
import { systemClock } from '../../runtime/clock.ts'
import { deferred } from '../../runtime/deferred.ts'
import { endRequested } from '../../runtime/shutdown.ts'
import type { ConfigOptions } from '../config-options.ts'
import { type FleetVisit, orObserver, visitFleet } from './fleet-visit.ts'
import { RecordingState } from './recording-state.ts'

export interface RecordOptions extends ConfigOptions {
  readonly agent?: readonly string[]
  readonly rounds?: number
  readonly bytes: number
  readonly duration?: number
}

/** `gainnet urp record <file>`: the URPs of a site as they come, until a bound or Ctrl-C. */
export async function runRecord(path: string, options: RecordOptions): Promise<void> {
  const state = await stateAfter(path, options.rounds)
  const visit = await visitFleet(options, { purpose: 'record' })
  try {
    const writer = await UrpSeriesWriter.open(path, {
      site: visit.config.site,
      startedAt: new Date(systemClock.now()).toISOString(),
      bytesMax: options.bytes,
    })
    try {
      const reason = await record(visit, { state, writer, options })
      process.stdout.write(`${summary(state, path, writer.bytes)}\n`)
      process.stderr.write(`gainnet: ended: ${reason}\n`)
    } finally {
      await writer.close()
    }
  } finally {
    await visit.close()
  }
}

/** What a file that is gone on with holds is not recorded again. */
async function stateAfter(path: string, roundsMax: number | undefined): Promise<RecordingState> {
  const state = new RecordingState(roundsMax === undefined ? {} : { roundsMax })
  if (!(await readHeaderIfThere(path))) return state
  for await (const { agentId, urp } of readUrpSeries(path)) state.skip(agentId, urp)
  return state
}

async function record(
  visit: FleetVisit,
  {
    state,
    writer,
    options,
  }: { state: RecordingState; writer: UrpSeriesWriter; options: RecordOptions },
): Promise<string> {
  const ending = deferred<string>()
  void endRequested().then(signal => ending.resolve(`${signal}`))
  const { duration } = options
  const isOver = (): void => ending.resolve(`${duration} s are over`)
  const timer = duration === undefined ? undefined : setTimeout(isOver, duration * 1000)
  let writing: Promise<unknown> = Promise.resolve()
  const take = (agentId: string, urp: Urp): void => {
    const verdict = state.take(agentId, urp)
    if (verdict === 'over') ending.resolve(`${options.rounds} rounds are recorded`)
    if (verdict !== 'new') return
    const receivedAt = new Date(systemClock.now()).toISOString()
    writing = writing.then(async () => {
      if (await writer.add({ agentId, receivedAt, urp })) state.written(agentId, urp)
      else ending.resolve(`${text(options.bytes)} are full`)
      tell(state, writer.bytes)
    })
    writing.catch(error => ending.reject(error))
  }
  try {
    await listen(visit, { options, state, take, onOver: reason => ending.resolve(reason) })
    const reason = await ending.promise
    await writing
    return reason
  } finally {
    clearTimeout(timer)
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  }
}

/** The clock first: with it what a finished round has left on the broker is known as such. */
async function listen(
  { wire, username }: FleetVisit,
  o: {
    readonly options: RecordOptions
    readonly state: RecordingState
    readonly take: (agentId: string, urp: Urp) => void
    readonly onOver: (reason: string) => void
  },
): Promise<void> {
  await wire.on('crClock', {}, ({ crId }) => {
    if (o.state.clock(crId) === 'over') o.onOver(`${o.options.rounds} rounds are recorded`)
  })
  const filters = o.options.agent?.map(agentId => ({ agentId })) ?? [{}]
  for (const filter of filters) {
    const subscribed = wire.on('urp', filter, (urp, { agentId }) => o.take(agentId, urp))
    await orObserver(subscribed, username)
  }
}

function tell(state: RecordingState, bytes: number): void {
  if (!process.stderr.isTTY) return
  const { urps, rounds } = state.counts
  process.stderr.write(`\r\u001b[K ${urps} URPs in ${rounds} rounds, ${text(bytes)}; Ctrl-C ends `)
}

function summary(state: RecordingState, path: string, bytes: number): string {
  const { urps, rounds, agents } = state.counts
  const stale = state.staleCount > 0 ? `; ${state.staleCount} of rounds before were left out` : ''
  const what = `${count(urps, 'URP')} of ${count(agents, 'agent')} in ${count(rounds, 'round')}`
  return `${what}, ${text(bytes)}: ${path}${stale}`
}

function text(bytes: number): string {
  const { value, unit } = writtenBytes(bytes)
  return `${value} ${unit}`
}
