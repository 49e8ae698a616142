import { paintFor } from '../../agent/measure/heat-map.ts'
import { readUrpSeries } from '../../protocol/urp-series/read-urp-series.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { renderDiffPage } from './diff-page.ts'
import { differencesOf } from './urp-differences.ts'
import { type FoundUrp, isSeries, urpFromFile } from './urp-source.ts'

/** As `gainnet model diff` and diff(1) have it. */
const EXIT_DIFFERENT = 1

export interface DiffOptions {
  readonly agent?: string
  /** Two rounds of a series. */
  readonly rounds?: readonly [number, number]
  readonly json?: boolean
}

/** `gainnet urp diff <before> [after]`: two files, or two rounds of one series. */
export async function runDiff(
  before: string,
  after: string | undefined,
  options: DiffOptions,
): Promise<void> {
  const [a, b] = await pairOf(before, after, options)
  const differences = differencesOf(a.urp, b.urp)
  const isSame = differences.matrices.length === 0 && differences.values.length === 0
  if (options.json) {
    const side = ({ agentId, urp }: FoundUrp) => ({ agentId, crId: urp.crId })
    const document = { before: side(a), after: side(b), ...differences }
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  } else {
    const paint = paintFor({ isTTY: process.stdout.isTTY === true, env: process.env })
    process.stdout.write(renderDiffPage({ before: a, after: b, differences, paint }))
  }
  if (!isSame) process.exitCode = EXIT_DIFFERENT
}

async function pairOf(
  before: string,
  after: string | undefined,
  { agent, rounds }: DiffOptions,
): Promise<[FoundUrp, FoundUrp]> {
  const of = agent === undefined ? {} : { agent }
  if (after !== undefined) {
    const [a, b] = rounds ?? []
    return [
      await urpFromFile(before, { ...of, ...(a === undefined ? {} : { cr: a }) }),
      await urpFromFile(after, { ...of, ...(b === undefined ? {} : { cr: b }) }),
    ]
  }
  if (!(await isSeries(before))) {
    throw new GainnetError('USAGE', `${before} is one URP: name a second file to compare it with`)
  }
  const [a, b] = rounds ?? (await lastTwoRounds(before, agent))
  return [await urpFromFile(before, { ...of, cr: a }), await urpFromFile(before, { ...of, cr: b })]
}

/** Of the agent; of the one that was heard last where none is named. */
async function lastTwoRounds(path: string, agent: string | undefined): Promise<[number, number]> {
  const last = (await urpFromFile(path, agent === undefined ? {} : { agent })).agentId
  const rounds = new Set<number>()
  for await (const entry of readUrpSeries(path)) {
    if (entry.agentId === last) rounds.add(entry.urp.crId)
  }
  const [a, b] = [...rounds].slice(-2)
  if (a !== undefined && b !== undefined) return [a, b]
  throw new GainnetError(
    'DATA_INVALID',
    `${path} has one round of ${last}: nothing to compare with`,
  )
}
