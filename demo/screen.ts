import type { AgentView } from './agent-view.ts'
import { type FleetEvent, percentBelow } from './fleet-events.ts'
import { type FleetView, type ModelView, roundAt } from './fleet-view.ts'
import { BAR_COLUMNS, consumeBar, senseBar } from './slot-bars.ts'
import { sparkline } from './sparkline.ts'
import { type Line, padded, type Style, span } from './styled-text.ts'

export interface ScreenOptions {
  readonly nowMs: number
  readonly events: readonly FleetEvent[]
  /** Where the logs are; shown so that one can look while it runs. */
  readonly logsFolder: string
  readonly rows: number
}

export const SCREEN_COLUMNS = 100
const LABEL_COLUMNS = 19
/** Before the bars. */
const LEFT_COLUMNS = 50 + LABEL_COLUMNS + 1
const PROGRESS_COLUMNS = 34
const SPARK_COLUMNS = 20
/** Rows that are neither agents, models nor events. */
const FIXED_ROWS = 11
const EVENTS_MIN = 2
const EVENTS_MAX = 7
const NOT_MEASURED = '–'

const STATE_STYLES: Readonly<Record<AgentView['state'], Style | undefined>> = {
  unknown: 'dim',
  init: 'dim',
  ready: 'good',
  busy: 'good',
  degraded: 'warn',
  disconnected: 'dim',
  lost: 'bad',
}

/** The whole demo at one moment, on one screen. */
export function renderScreen(view: FleetView, options: ScreenOptions): readonly Line[] {
  const models = [...view.models.values()]
  const agents = [...view.agents.values()]
  const free = options.rows - FIXED_ROWS - models.length - EVENTS_MIN
  const agentsShown = agents.slice(0, Math.max(1, Math.floor(free / 2)))
  const hidden = agents.length - agentsShown.length
  const eventRows = Math.max(0, free + EVENTS_MIN - 2 * agentsShown.length - (hidden > 0 ? 1 : 0))
  const told = options.events.filter(({ tone }) => tone !== 'routine')
  const events = told.slice(Math.max(0, told.length - Math.min(EVENTS_MAX, eventRows)))
  return [
    [
      span(' GainNet', 'title'),
      span(` · ${counted(agents.length, 'agent')} on this machine train `),
      span(`${counted(models.length, 'generative model')}, each on its own text`),
    ],
    [span(padded(` logs in ${options.logsFolder}`, SCREEN_COLUMNS), 'dim')],
    [],
    clockLine(view, options.nowMs),
    [],
    agentHeading(view),
    ...agentsShown.flatMap(agent => agentLines(agent, view, options.nowMs)),
    ...(hidden > 0 ? [[span(` … and ${counted(hidden, 'agent')} more`, 'dim')]] : []),
    legend(),
    [],
    [span(` MODEL          VERSION  UPDATES   BITS PER BYTE ON HELD-BACK TEXT`, 'dim')],
    ...models.map(modelLine),
    [],
    ...events.map(({ text, tone }) => [
      span(
        ` ${padded(text, SCREEN_COLUMNS - 2)}`,
        tone === 'good' || tone === 'bad' ? tone : 'dim',
      ),
    ]),
  ]
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function clockLine(view: FleetView, nowMs: number): Line {
  const round = roundAt(view, nowMs)
  if (!round || !view.clock || view.crFirst === null) {
    const agents = [...view.agents.values()]
    const ready = agents.filter(({ state }) => state === 'ready' || state === 'busy').length
    return [
      span(' STARTING  ', 'title'),
      span(`${ready} of ${counted(agents.length, 'agent')} ready`),
    ]
  }
  // Sensing for the last GAI round still has to be consumed: one communication round more.
  const total = view.roundsWanted + 1
  const index = Math.min(total - 1, Math.max(0, round.crId - view.crFirst))
  const progress = round.crId < view.crFirst ? 0 : Math.min(1, round.progress)
  const isOver = view.controller === 'finished' || round.crId - view.crFirst >= total
  const { slots, slotMs } = view.clock
  const leftMs = isOver ? 0 : (total - index - progress) * slots * slotMs
  const share = isOver ? 1 : (index + progress) / total
  const filled = Math.round(share * PROGRESS_COLUMNS)
  const slot = Math.min(slots, Math.floor(progress * slots) + 1)
  return [
    span(` ROUND ${index + 1} of ${total}`, 'title'),
    span(isOver ? '   ' : `, slot ${padded(String(slot), 2, 'right')} of ${slots}   `),
    span('━'.repeat(filled), 'bar'),
    span('─'.repeat(PROGRESS_COLUMNS - filled), 'dim'),
    span(isOver ? '   all rounds done' : `   ${clockText(leftMs)} left`),
  ]
}

function clockText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

function agentHeading({ clock }: FleetView): Line {
  const last = String(clock?.slots ?? '')
  const figures = ['GFLOP/s', '↓ Mb/s', '↑ Mb/s', 'RTT ms'].map(name => padded(name, 7, 'right'))
  const text = ` ${padded('AGENT', 9)}${padded('STATE', 11)}${figures.join('')}`
  return [
    span(`${padded(text, LEFT_COLUMNS)}slot 1${padded(last, BAR_COLUMNS - 6, 'right')}`, 'dim'),
  ]
}

function agentLines(agent: AgentView, view: FleetView, nowMs: number): readonly Line[] {
  const running = roundAt(view, nowMs)
  const round = agent.rounds.find(({ crId }) => crId === running?.crId)
  const { slots = 1, slotMs = 1 } = view.clock ?? {}
  const times = { startsAtMs: running?.startsAtMs ?? 0, slots, slotMs }
  const { gflops, downlinkMbps, uplinkMbps, rttMs } = agent.figures
  const figures = [gflops, downlinkMbps, uplinkMbps, rttMs].map(value => figure(value, 7))
  const { sense = null, consume = null, reason = '' } = round?.assignment ?? {}
  return [
    [
      span(` ${padded(agent.agentId, 9)}`),
      span(padded(`● ${agent.state}`, 11), STATE_STYLES[agent.state]),
      span(`${figures.join('')} `),
      ...modelLabel('sense', sense?.modelId),
      ...senseBar(round, times, nowMs),
    ],
    [
      span(' '.repeat(10)),
      span(padded(round?.problem ?? reason, 39), round?.problem ? 'bad' : 'dim'),
      span(' '),
      ...modelLabel('train', consume?.modelId),
      ...consumeBar(round, times, nowMs),
    ],
  ]
}

function modelLabel(verb: string, modelId: string | undefined): Line {
  const label = modelId ? padded(`${verb} ${modelId}`, LABEL_COLUMNS) : ' '.repeat(LABEL_COLUMNS)
  return [span(label), span(' ')]
}

/** Three digits that count, e.g. 0.42, 11.2, 640; a dash where nothing was measured. */
export function figure(value: number | null, width: number): string {
  if (value === null) return padded(NOT_MEASURED, width, 'right')
  const decimals = value < 1 ? 2 : value < 100 ? 1 : 0
  return padded(value.toFixed(decimals), width, 'right')
}

function legend(): Line {
  return [
    span(' '.repeat(11)),
    span('▒', 'sense'),
    span(' sensing   ', 'dim'),
    span('D', 'download'),
    span(' download   ', 'dim'),
    span('T', 'train'),
    span(' train   ', 'dim'),
    span('U', 'upload'),
    span(' upload of what was sensed before   pale: planned', 'dim'),
  ]
}

function modelLine(model: ModelView): Line {
  const { modelId, versionNumber, updates, bitsPerByte, unigramBitsPerByte } = model
  const series = [...bitsPerByte].sort(([a], [b]) => a - b).map(([, bits]) => bits)
  const last = series.at(-1)
  const isBelow = last !== undefined && last < unigramBitsPerByte
  return [
    span(` ${padded(modelId, 15)}`),
    span(padded(versionNumber === null ? NOT_MEASURED : `v${versionNumber}`, 7, 'right')),
    span(`${padded(String(updates), 9, 'right')}   `),
    span(
      padded(last === undefined ? NOT_MEASURED : last.toFixed(2), 5, 'right'),
      isBelow ? 'good' : 'title',
    ),
    span('  '),
    ...sparkline(series, unigramBitsPerByte, SPARK_COLUMNS),
    span('  '),
    span(
      last === undefined ? '' : percentBelow(last, unigramBitsPerByte),
      isBelow ? 'good' : 'dim',
    ),
  ]
}
