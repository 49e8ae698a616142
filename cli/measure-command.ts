import type { Command } from 'commander'
import { type ConfigOptions, loadOptionsOf, withConfigOptions } from './config-options.ts'

interface MeasureOptions extends ConfigOptions {
  readonly json?: boolean
}

export function addMeasureCommand(program: Command): void {
  const command = program
    .command('measure')
    .description('read every probe once and show what this machine can do; needs no controller')
  withConfigOptions(command).option('--json', 'print the URP document as JSON').action(measureOnce)
}

async function measureOnce(options: MeasureOptions): Promise<void> {
  const { loadAgentConfig } = await import('../config/load-config.ts')
  const { config } = await loadAgentConfig(loadOptionsOf('agent', options))
  const { measure } = await import('../agent/measure-command.ts')
  await measure(config, { json: options.json === true, output: process.stdout })
}
