import type { Command } from 'commander'
import { wholeNumber } from '../whole-number.ts'

const seed = wholeNumber({ min: 0, max: 2 ** 31 - 1 })
const updates = wholeNumber({ min: 1, max: 1_000_000 })

/** A few minutes of one core. */
const UPDATES_DEFAULT = 3000

/** Each command imports what it needs when it is run. */
export function addPolicyCommand(program: Command): void {
  const policy = program
    .command('policy')
    .description('train the policy that decides which device serves which model')
  policy
    .command('train')
    .description('train a policy in simulated cells, and write it as one ONNX file')
    .requiredOption('-o, --out <file>', 'ONNX file to write')
    .option('--seed <number>', 'seed of the cells and of the networks', seed, 1)
    .option('--updates <count>', 'updates in all', updates, UPDATES_DEFAULT)
    .option('--checkpoint <file>', 'keep what is needed to go on in this file')
    .option('--resume', 'go on from the checkpoint, with its seed and its updates in all')
    .option('--json', 'print progress as lines of JSON')
    .action(async options => (await import('./train.ts')).runPolicyTrain(options))
}
