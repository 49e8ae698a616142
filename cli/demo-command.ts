import { type Command, Option } from 'commander'
import { wholeNumber } from './whole-number.ts'

interface DemoOptions {
  readonly rounds: number
  readonly agents: number
  readonly json?: boolean
  readonly broker: 'embedded' | 'mosquitto'
  readonly keep?: string
}

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('run a controller and its agents on this machine, on text that is here already')
    .option('--rounds <count>', 'GAI rounds to run', wholeNumber({ min: 1, max: 1000 }), 12)
    .option('--agents <count>', 'agents to start', wholeNumber({ min: 1, max: 16 }), 4)
    .option('--json', 'print the report as one line of JSON at the end')
    .addOption(
      new Option('--broker <kind>', 'broker to use')
        .choices(['embedded', 'mosquitto'])
        .default('embedded'),
    )
    .option('--keep <folder>', 'keep configurations, logs and models of the run in this folder')
    .action(startDemo)
}

async function startDemo({ rounds, agents, json, broker, keep }: DemoOptions): Promise<void> {
  const { runDemo } = await import('../demo/run-demo.ts')
  process.exitCode = await runDemo({ rounds, agents, json: json === true, broker, keep })
}
