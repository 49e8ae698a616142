import { hostname } from 'node:os'
import { type Command, Option } from 'commander'
import type { ControllerConfig } from '../config/controller-schema.ts'
import type { Role } from '../controller/broker/access-rules.ts'
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
    .description('make a password for an agent or an observer and print it, this once')
    .argument('<name>', 'agentId of the agent, or a name for the observer')
    .addOption(
      new Option('--role <role>', 'what it may do: an observer reads everything, writes nothing')
        .choices(['agent', 'observer'] satisfies Role[])
        .default('agent' satisfies Role),
    )
  withConfigOptions(credential).action(printCredential)
}

async function runControllerDaemon(options: ConfigOptions): Promise<void> {
  const { loadControllerConfig } = await import('../config/load-config.ts')
  const { config } = await loadControllerConfig(loadOptionsOf('controller', options))
  const { logFileOf } = await import('../config/fields.ts')
  const { createLogger } = await import('../runtime/logger.ts')
  const { runController } = await import('../controller/run.ts')
  const fields = { version: packageVersion(), controllerId: config.controllerId }
  const log = createLogger({
    daemon: 'controller',
    level: config.log.level,
    fields,
    file: logFileOf(config.log),
  })
  await runController(config, { log })
}

async function printCredential(
  name: string,
  { role }: ConfigOptions & { readonly role: 'agent' | 'observer' },
  command: Command,
): Promise<void> {
  const { loadControllerConfig } = await import('../config/load-config.ts')
  const { identifier, IDENTIFIER_ALLOWED } = await import('../config/fields.ts')
  if (!identifier().safeParse(name).success) {
    command.error(`error: name ${JSON.stringify(name)} must be ${IDENTIFIER_ALLOWED}`)
  }
  // With --config before or after "credential": both are what people write.
  const options = loadOptionsOf('controller', command.optsWithGlobals())
  const { config } = await loadControllerConfig(options)
  if (name === config.broker.username) {
    command.error(`error: ${name} is the user name of the controller itself`)
  }
  const { addCredential } = await import('../controller/broker/credentials.ts')
  const password = await addCredential(config.stateDirectory, name, role)
  process.stdout.write(`${password}\n`)
  process.stderr.write(role === 'agent' ? agentSteps(name, config) : observerSteps(name, config))
}

function observerSteps(name: string, { site, broker }: ControllerConfig): string {
  return `The line above is the password of observer ${name}; it is not shown again. Watch with:
  mosquitto_sub -p ${broker.port} -u ${name} -P <password> -v -t 'gainnet/v1/${site}/ctl/round/+'
`
}

/** On standard error, so that standard output is the password and nothing else. */
function agentSteps(agentId: string, { site, broker }: ControllerConfig): string {
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
