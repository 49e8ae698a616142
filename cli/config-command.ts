import { Argument, type Command } from 'commander'
import type { DaemonName, LoadedConfig } from '../config/load-config.ts'
import { type ConfigOptions, loadOptionsOf, withConfigOptions } from './config-options.ts'

interface ShowOptions extends ConfigOptions {
  readonly origin?: boolean
  readonly json?: boolean
}

export function addConfigCommand(program: Command): void {
  const config = program.command('config').description('look at a configuration without running it')
  const show = config
    .command('show')
    .description('print the effective configuration, secrets redacted')
    .addArgument(daemonArgument())
  withConfigOptions(show)
    .option('--origin', 'say of each value which layer has set it')
    .option('--json', 'print JSON instead of YAML')
    .action(showConfig)
  const check = config
    .command('check')
    .description('print ok, or every problem of the configuration')
    .addArgument(daemonArgument())
  withConfigOptions(check).action(checkConfig)
  config
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .addArgument(daemonArgument())
    .action(printSchema)
}

function daemonArgument(): Argument {
  return new Argument('<daemon>', 'whose configuration').choices(['agent', 'controller'])
}

async function load(daemon: DaemonName, options: ConfigOptions): Promise<LoadedConfig<unknown>> {
  const { loadAgentConfig, loadControllerConfig } = await import('../config/load-config.ts')
  const loadOptions = loadOptionsOf(daemon, options)
  return daemon === 'agent' ? loadAgentConfig(loadOptions) : loadControllerConfig(loadOptions)
}

async function showConfig(daemon: DaemonName, options: ShowOptions): Promise<void> {
  const loaded = await load(daemon, options)
  const { configAsJson, configAsYaml } = await import('../config/show-config.ts')
  const origin = options.origin === true
  const text = options.json
    ? `${JSON.stringify(configAsJson(loaded, { origin }), null, 2)}\n`
    : configAsYaml(loaded, { origin })
  process.stdout.write(text)
}

async function checkConfig(daemon: DaemonName, options: ConfigOptions): Promise<void> {
  await load(daemon, options)
  process.stdout.write('ok\n')
}

async function printSchema(daemon: DaemonName): Promise<void> {
  const { jsonSchemaText } = await import('../config/reference.ts')
  process.stdout.write(jsonSchemaText(daemon))
}
