import type { Command } from 'commander'
import { withConfigOptions } from '../config-options.ts'
import { wholeNumber } from '../whole-number.ts'

const ROUNDS_DEFAULT = 5

/** Each command imports what it needs when it is run. */
export function addExplainCommand(program: Command): void {
  const explain = program
    .command('explain')
    .description('say why a controller decided as it did, from its records')
  const round = explain
    .command('round')
    .description('say what one communication round chose for whom, and what bound it')
    .argument('<id>', 'number of the round', wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }))
  withRecordOptions(round).action(async (id, options) =>
    (await import('./run-explain.ts')).explainRound(id, options),
  )
  const device = explain
    .command('device')
    .description('say what the last rounds chose for one device, and what came of it')
    .argument('<id>', 'agentId of the device')
    .option(
      '--rounds <count>',
      'rounds to tell of, the last ones',
      wholeNumber({ min: 1, max: 10_000 }),
      ROUNDS_DEFAULT,
    )
  withRecordOptions(device).action(async (id, options) =>
    (await import('./run-explain.ts')).explainDevice(id, options),
  )
}

function withRecordOptions(command: Command): Command {
  return withConfigOptions(command)
    .option('--records <file>', 'records; rounds.jsonl of the state directory if left out')
    .option('--json', 'print JSON')
}
