import type { Command } from 'commander'
import { keepHeapSmall } from '../runtime/small-heap.ts'
import { packageVersion } from '../runtime/version.ts'
import { type ConfigOptions, loadOptionsOf, withConfigOptions } from './config-options.ts'

export function addAgentCommand(program: Command): void {
  const command = program.command('agent').description('run the daemon of a board')
  withConfigOptions(command).action(runAgentDaemon)
}

async function runAgentDaemon(options: ConfigOptions): Promise<void> {
  keepHeapSmall()
  const { loadAgentConfig } = await import('../config/load-config.ts')
  const { config } = await loadAgentConfig(loadOptionsOf('agent', options))
  const { logFileOf } = await import('../config/fields.ts')
  const { createLogger } = await import('../runtime/logger.ts')
  const { runAgent } = await import('../agent/run.ts')
  const fields = { version: packageVersion(), agentId: config.agentId }
  const log = createLogger({
    daemon: 'agent',
    level: config.log.level,
    fields,
    file: logFileOf(config.log),
  })
  await runAgent(config, { log })
}
