import type { Paint } from '../../agent/measure/heat-map.ts'
import {
  count,
  fitted,
  PAGE_WIDTH,
  pageOf,
  styleOf,
  titleLines,
  wrapped,
} from '../../agent/measure/page/page-text.ts'
import type { WrittenRecord } from '../../controller/rounds/round-records.ts'
import type {
  RoundAlternative,
  RoundChoice,
  RoundContribution,
  RoundDecision,
} from '../../protocol/round-record.ts'
import { timelineOf } from './timeline.ts'

/** What one round was to one device. */
export interface DeviceRound {
  readonly crId: number
  readonly startedAt: string
  readonly executed: string
  readonly choice: RoundChoice | undefined
  /** Why it took no part. */
  readonly excluded: string | undefined
  readonly contribution: RoundContribution | undefined
}

const HEAD = `  ${'device'.padEnd(20)} ${'model'.padEnd(18)} ${'gain'.padStart(7)} ${'samples'.padStart(8)}  ${'corr.'}  bound by`

/** What `gainnet explain round` shows, in lines of at most 80 columns. */
export function renderRoundPage(record: WrittenRecord, paint: Paint): string {
  const style = styleOf(paint)
  const { choices, excluded, contributions } = record
  const chosen = choices.filter(({ modelId }) => modelId !== null)
  const idle = choices.filter(({ modelId }) => modelId === null)
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length > 0 ? ['', ` ${style.bold(title)}`, ...lines] : []
  const lines = [
    ...titleLines(`Round ${record.crId}, policy ${record.policy}`, record.startedAt, style),
    ...summaryLines(record),
    ...section(
      'Chosen',
      chosen.length > 0 ? [style.dim(HEAD), ...chosen.flatMap(choiceLines)] : [],
    ),
    ...section('Learning curves', curveLines(record)),
    ...section(
      'Idle',
      idle.flatMap(choice => [...toldOf(choice.agentId, choice.reason), ...elseLines(choice)]),
    ),
    ...section(
      'Left out',
      excluded.flatMap(({ agentId, reason }) => toldOf(agentId, reason)),
    ),
    ...section(
      record.schedule === 'serial' ? 'What came of it' : 'What came of the round before',
      contributions.flatMap(one => toldOf(one.agentId, outcomeOf(one))),
    ),
    ...section(
      'Seconds from its start',
      timelineOf(record).flatMap(([agentId, text]) => toldOf(agentId, text)),
    ),
    '',
  ]
  return pageOf(lines, paint)
}

/** What `gainnet explain device` shows, in lines of at most 80 columns. */
export function renderDevicePage(
  agentId: string,
  rounds: readonly DeviceRound[],
  paint: Paint,
): string {
  const style = styleOf(paint)
  const last = rounds.at(-1)?.startedAt ?? ''
  const title = `Device ${agentId}, ${count(rounds.length, 'round')}`
  const lines = rounds.flatMap(({ crId, executed, choice, excluded, contribution }) => [
    '',
    ` ${style.bold(`Round ${crId}`)} ${style.dim(`decided by ${executed}`)}`,
    ...(choice ? (choice.modelId === null ? [] : [style.dim(HEAD)]) : []),
    ...(choice ? choiceLines(choice) : []),
    ...(choice ? wrappedIn(choice.reason, 4).map(line => `    ${line}`) : []),
    ...(excluded === undefined ? [] : toldOf('left out', excluded)),
    ...(contribution ? toldOf('delivered', outcomeOf(contribution)) : []),
  ])
  return pageOf([...titleLines(title, last, style), ...lines, ''], paint)
}

function summaryLines(record: WrittenRecord): string[] {
  const { gain, bound, gap, decision, schedule = 'zeros', overlapRatio } = record
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  const hidden =
    overlapRatio === undefined
      ? 'nothing was consumed'
      : `${percent(overlapRatio)} of consumption went on beside sensing`
  return [
    ...toldOf('gain', `${gain.toFixed(3)} of at most ${bound.toFixed(3)}, gap ${percent(gap)}`),
    ...(decision ? decisionLines(decision) : []),
    ...toldOf('schedule', `${schedule}: ${hidden}`),
  ]
}

/** Exponent and first samples with one standard deviation to either side. */
function curveLines({ curves = [] }: WrittenRecord): string[] {
  return curves.flatMap(curve =>
    toldOf(
      curve.modelId,
      `exponent ${curve.exponent.toFixed(2)} ± ${curve.exponentSpread.toFixed(2)}, ` +
        `${Math.round(curve.effectiveSamplesPrior)} samples at first, to a factor of ` +
        `${curve.effectiveSamplesFactor.toFixed(1)}, by ${count(curve.versions, 'version')}`,
    ),
  )
}

function decisionLines(decision: RoundDecision): string[] {
  const { executed, planMs, rounds, proposedGain, besideGain, replacedCount, failure } = decision
  const { replacedDevices } = decision
  if (replacedDevices !== undefined) {
    return [
      ...toldOf(
        'executed',
        `${executed}: ${count(replacedDevices, 'device')} got the plan instead`,
      ),
      ...toldOf('decided in', `${planMs} ms`),
      ...toldOf('replaced', `in ${count(replacedCount, 'round')} since the controller started`),
    ]
  }
  const promises =
    proposedGain === undefined || besideGain === undefined
      ? 'no plan was made beside it'
      : `over ${count(rounds ?? 1, 'round')} the proposal promises ${proposedGain.toFixed(3)}, ` +
        `the receding-horizon plan ${besideGain.toFixed(3)}`
  return [
    ...toldOf('executed', `${executed}: ${promises}`),
    ...toldOf('decided in', `${planMs} ms`),
    ...toldOf('replaced', `${count(replacedCount, 'proposal')} since the controller started`),
    ...(failure === undefined ? [] : toldOf('failure', `the policy proposed nothing: ${failure}`)),
  ]
}

function choiceLines(choice: RoundChoice): string[] {
  const { agentId, modelId, gain, workload, correlation, limitedBy } = choice
  if (modelId === null) return elseLines(choice)
  const figures = { modelId, gain, workload, correlation, limitedBy }
  return [figureLine(agentId, figures), ...elseLines(choice)]
}

function elseLines({ alternatives = [] }: RoundChoice): string[] {
  return alternatives.map(one => figureLine('  or', one))
}

function figureLine(
  name: string,
  of: Pick<RoundAlternative, 'modelId' | 'gain' | 'workload'> & {
    readonly correlation?: number | undefined
    readonly limitedBy?: string | undefined
  },
): string {
  const figures = `${of.gain.toFixed(3).padStart(7)} ${String(of.workload).padStart(8)}`
  const correlation = (of.correlation?.toFixed(2) ?? '').padStart(5)
  const bound = of.limitedBy ?? ''
  return `  ${fitted(name, 20)} ${fitted(of.modelId, 18)} ${figures}  ${correlation}  ${bound}`
}

function outcomeOf(contribution: RoundContribution): string {
  const { modelId, grId, outcome, sampleCount, lateMs, reason } = contribution
  const more = [
    sampleCount === undefined ? '' : count(sampleCount, 'sample'),
    lateMs === undefined ? '' : `${Math.round(lateMs)} ms late`,
    reason ?? '',
  ].filter(Boolean)
  return [`${modelId}, GAI round ${grId}: ${outcome}`, ...more].join(', ')
}

/** A name and what is said of it, wrapped beside it. */
function toldOf(name: string, text: string): string[] {
  return wrappedIn(text, 23).map((line, at) => `  ${fitted(at === 0 ? name : '', 20)} ${line}`)
}

/** Reasons come from devices too: what a terminal would obey is left out. */
function wrappedIn(text: string, indent: number): string[] {
  const plain = text.replace(/\p{Cc}+/gu, ' ')
  return wrapped(plain, { indent }).map(line =>
    fitted(line.trim(), PAGE_WIDTH - 1 - indent).trimEnd(),
  )
}
