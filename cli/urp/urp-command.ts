import { type Command, InvalidArgumentError, Option } from 'commander'
import { withConfigOptions } from '../config-options.ts'
import { wholeNumber } from '../whole-number.ts'
import type { Per } from './series-rows.ts'

const count = (max: number) => wholeNumber({ min: 1, max })
const crId = wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER })

/** Some 40,000 URPs of a board with two cores and one link. */
const BYTES_DEFAULT = 2 ** 28
/** The longest that a timer of Node waits. */
const SECONDS_MAX = 2_000_000

/** Each command imports what it needs when it is run. */
export function addUrpCommand(program: Command): void {
  const urp = program
    .command('urp')
    .description('look at, compare, record and replay what boards offer')
  addShow(urp)
  addDiff(urp)
  addExport(urp)
  addRecord(urp)
  addReplay(urp)
}

function addShow(urp: Command): void {
  const show = urp
    .command('show')
    .description('show a URP: of a file, or what an agent of the site has published last')
    .argument('[source]', 'file, or name of an agent; the agent of the configuration if left out')
    .option('--agent <id>', 'of a recorded series: the last URP of this agent')
    .option('--cr <number>', 'of a recorded series: the last URP of this round', crId)
    .option('--json', 'print the document as JSON')
  withConfigOptions(show).action(async (source, options) =>
    (await import('./show.ts')).runShow(source, options),
  )
}

function addDiff(urp: Command): void {
  urp
    .command('diff')
    .description('say what changed from one URP to another, and by how much')
    .argument('<before>', 'file of a URP, or recorded series')
    .argument('[after]', 'another one; if left out, two rounds of the series are compared')
    .option('--agent <id>', 'agent of the series; the last one that was heard if left out')
    .option('--rounds <before,after>', 'rounds of the series; the last two if left out', twoRounds)
    .option('--json', 'print JSON')
    .action(async (before, after, options) =>
      (await import('./diff.ts')).runDiff(before, after, options),
    )
}

function addExport(urp: Command): void {
  urp
    .command('export')
    .description('print a recorded series as a table')
    .argument('<series>', 'recorded series')
    .addOption(
      new Option(
        '--per <row>',
        'a row for each slot of each unit, block and memory, or for each unit',
      )
        .choices(['slot', 'unit'] satisfies Per[])
        .default('slot' satisfies Per),
    )
    .option('--agent <id>', 'only of this agent')
    .option('--json', 'print JSON instead of CSV')
    .option('--out <file>', 'write to this file')
    .action(async (series, options) => (await import('./export.ts')).runExport(series, options))
}

function addRecord(urp: Command): void {
  const record = urp
    .command('record')
    .description('write the URPs of a site to a file as they come')
    .argument('<file>', 'recorded series; one that is there is gone on with')
    .option('--agent <id>', 'only of this agent; may be repeated', addName)
    .option('--rounds <count>', 'end after so many rounds', count(1_000_000_000))
    .option('--bytes <count>', 'end when the file has so many', count(2 ** 40), BYTES_DEFAULT)
    .option('--duration <seconds>', 'end after this time', count(SECONDS_MAX))
  withConfigOptions(record).action(async (file, options) =>
    (await import('./record.ts')).runRecord(file, options),
  )
}

function addReplay(urp: Command): void {
  const replay = urp
    .command('replay')
    .description('publish a recorded series as if its agents were there')
    .argument('<series>', 'recorded series')
    .addOption(
      new Option('--pace <pace>', 'one recorded round for each of the controller, or as recorded')
        .choices(['rounds', 'recorded'])
        .default('rounds'),
    )
    .option('--speed <factor>', 'times as fast as recorded', positive, 1)
    .option('--prefix <text>', 'put before the names of the agents', 'replay-')
    .option('--rounds <count>', 'end after so many rounds', count(1_000_000_000))
    .option('--force', 'also where live agents are at work')
  withConfigOptions(replay).action(async (series, options) =>
    (await import('./replay.ts')).runReplay(series, options),
  )
}

function addName(id: string, before: readonly string[] = []): string[] {
  return [...before, id]
}

function twoRounds(text: string): [number, number] {
  const [, before, after] = /^(\d{1,15}),(\d{1,15})$/.exec(text) ?? []
  if (before === undefined || after === undefined) {
    throw new InvalidArgumentError('It must be two rounds, e.g. 12,15.')
  }
  return [Number(before), Number(after)]
}

function positive(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && value <= 1e6) return value
  throw new InvalidArgumentError('It must be a number above 0, at most 1000000.')
}
