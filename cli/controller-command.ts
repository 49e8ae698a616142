import { hostname } from 'node:os'
import type { Command } from 'commander'
import type { ControllerConfig } from '../config/controller-schema.ts'
import { packageVersion } from '../runtime/version.ts'
import { type ConfigOptions, loadOptionsOf, withConfigOptions } from './config-options.ts'

export function addControllerCommand(program: Command): void {
  const command = program
    .command('controller')
    .description('run the daemon of an edge server')
    .enablePositionalOptions()
  withConfigOptions(command).action(runControllerDaemon)
  const credential = command
    .command('credential')
    .description('make a password for an agent and print it, this once')
    .argument('<agentId>', 'name of the agent')
  withConfigOptions(credential).action(printCredential)
}

async function runControllerDaemon(options: ConfigOptions): Promise<void> {
  const { loadControllerConfig } = await import('../config/load-config.ts')
  const { config } = await loadControllerConfig(loadOptionsOf('controller', options))
  const { createLogger } = await import('../runtime/logger.ts')
  const { runController } = await import('../controller/run.ts')
  const { level, file } = config.log
  const fields = { version: packageVersion(), controllerId: config.controllerId }
  const log = createLogger({ daemon: 'controller', level, fields, ...(file ? { file } : {}) })
  await runController(config, { log })
}

async function printCredential(agentId: string, _: ConfigOptions, command: Command): Promise<void> {
  const { loadControllerConfig } = await import('../config/load-config.ts')
  const { identifier, IDENTIFIER_ALLOWED } = await import('../config/fields.ts')
  if (!identifier().safeParse(agentId).success) {
    command.error(`error: agentId ${JSON.stringify(agentId)} must be ${IDENTIFIER_ALLOWED}`)
  }
  // With --config before or after "credential": both are what people write.
  const options = loadOptionsOf('controller', command.optsWithGlobals())
  const { config } = await loadControllerConfig(options)
  if (agentId === config.broker.username) {
    command.error(`error: ${agentId} is the user name of the controller itself`)
  }
  const { addCredential } = await import('../controller/broker/credentials.ts')
  const password = await addCredential(config.stateDirectory, agentId)
  process.stdout.write(`${password}\n`)
  process.stderr.write(nextStep(agentId, config))
}

/** On standard error, so that standard output is the password and nothing else. */
function nextStep(agentId: string, { site, broker }: ControllerConfig): string {
  const url = broker.url ?? `mqtt://${hostname()}:${broker.port}`
  const isLocal = broker.mode === 'embedded' && /^(127\.|localhost$|::1$)/.test(broker.host)
  const loopback = isLocal
    ? `The broker listens on ${broker.host} only: set broker.host to 0.0.0.0 for other machines.\n`
    : ''
  return `The line above is the password of agent ${agentId}; it is not shown again. On the board:
  install -m 600 /dev/stdin broker-password   # paste it, Enter, Ctrl-D
  gainnet agent --set agentId=${agentId} --set site=${site} --set broker.url=${url} \\
    --set broker.passwordFile=broker-password
${loopback}`
}
