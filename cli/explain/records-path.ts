import { join } from 'node:path'
import { type ConfigOptions, loadOptionsOf } from '../config-options.ts'

export interface RecordOptions extends ConfigOptions {
  readonly records?: string
}

/** The file that was named, else the one in the state directory of the configuration. */
export async function recordsPath({ records, ...options }: RecordOptions): Promise<string> {
  if (records !== undefined) return records
  const { loadControllerConfig } = await import('../../config/load-config.ts')
  const { config } = await loadControllerConfig(loadOptionsOf('controller', options))
  return join(config.stateDirectory, 'rounds.jsonl')
}
