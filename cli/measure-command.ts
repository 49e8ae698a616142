import type { Command } from 'commander'
import { type ConfigOptions, loadOptionsOf, withConfigOptions } from './config-options.ts'

interface MeasureOptions extends ConfigOptions {
  readonly json?: boolean
  readonly link?: boolean
}

export function addMeasureCommand(program: Command): void {
  const command = program
    .command('measure')
    .description('read every probe once and show what this machine can do; needs no controller')
  withConfigOptions(command)
    .option('--link', 'measure the link to the configured controller too')
    .option('--json', 'print the URP document as JSON')
    .action(measureOnce)
}

async function measureOnce(options: MeasureOptions): Promise<void> {
  const { loadAgentConfig } = await import('../config/load-config.ts')
  const { config } = await loadAgentConfig(loadOptionsOf('agent', options))
  const { measure } = await import('../agent/measure-command.ts')
  const common = { json: options.json === true, output: process.stdout }
  if (!options.link) return measure(config, common)
  const { createLogger } = await import('../runtime/logger.ts')
  const { openMeasuringLink } = await import('../agent/measuring-link.ts')
  const log = createLogger({ daemon: 'measure', level: 'silent' })
  const link = await openMeasuringLink(config, log)
  try {
    await measure(config, { ...common, link })
  } finally {
    await link.close()
  }
}
