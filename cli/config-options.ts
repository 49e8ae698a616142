import { existsSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import type { DaemonName, LoadOptions } from '../config/load-config.ts'
import type { FlagSetting } from '../config/text-layers.ts'

export interface ConfigOptions {
  readonly config?: string
  readonly set?: readonly FlagSetting[]
}

/** --config and --set, which every command takes that reads a configuration. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('--config <file>', 'YAML file of the configuration')
    .option(
      '--set <key=value>',
      'set one key, over file and environment; may be repeated',
      addSetting,
    )
}

function addSetting(text: string, before: readonly FlagSetting[] = []): FlagSetting[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be key=value, e.g. broker.url=mqtt://edge.')
  return [...before, { key: text.slice(0, at), value: text.slice(at + 1) }]
}

/** The file that was named, else the one of the system where there is one. */
export function loadOptionsOf(daemon: DaemonName, { config, set }: ConfigOptions): LoadOptions {
  const system = `/etc/gainnet/${daemon}.yaml`
  return { file: config ?? (existsSync(system) ? system : undefined), flags: set ?? [] }
}
