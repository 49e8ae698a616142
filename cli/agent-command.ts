import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import { packageVersion } from '../runtime/version.ts'
import { type ConfigOptions, loadOptionsOf, withConfigOptions } from './config-options.ts'

export function addAgentCommand(program: Command): void {
  const command = program.command('agent').description('run the daemon of a board')
  withConfigOptions(command).action(runAgentDaemon)
}

async function runAgentDaemon(options: ConfigOptions): Promise<void> {
  // V8 would let the space for new objects grow with what is loaded at the start, and keep it: 15
  // to 20 MB that a board has better use for (npm run bench -- agent-idle).
  setFlagsFromString('--semi-space-growth-factor=1')
  // The heap grows in smaller steps; at rest 5 to 10 MB less, and no more of the processor.
  setFlagsFromString('--optimize-for-size')
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
