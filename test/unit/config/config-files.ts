import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type LoadOptions, loadAgentConfig } from '../../../config/load-config.ts'
import { GainnetError } from '../../../runtime/errors.ts'
import { temporaryDirectory } from '../../support/directories.ts'

/** A folder with these files; gone with the test. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = temporaryDirectory()
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

/** Nothing of the machine that runs the test. */
export const BARE = { environment: { HOME: '/home/tester' }, hostname: 'pi-04' } as const

/** The agent's configuration from one file. */
export function agentFrom(yaml: string | Uint8Array, options: LoadOptions = {}) {
  const folder = folderWith({ 'agent.yaml': yaml })
  return loadAgentConfig({ ...BARE, file: join(folder, 'agent.yaml'), ...options })
}

/** The error that loading ends with, its paths cut to the names of the files. */
export async function failureOf(loading: Promise<unknown>): Promise<GainnetError> {
  try {
    await loading
  } catch (error) {
    if (!(error instanceof GainnetError)) throw error
    const message = error.message.replaceAll(/\/\S*\/(?=[\w.-]+\.yaml)/g, '')
    return new GainnetError(error.code, message, error.details)
  }
  throw new Error('it was accepted')
}
