import { execFile } from 'node:child_process'

const MS_MAX = 2000
const OUTPUT_BYTES_MAX = 64 * 1024
/** Where administration's tools are, also for users without them in their PATH. */
const MORE_FOLDERS = '/usr/sbin:/sbin'

/**
 * What a tool of the system writes; undefined where it is not installed, fails or takes too long. Only
 * for measurements that somebody asked for: an agent's rounds start no process.
 */
export function readTool(name: string, args: readonly string[]): Promise<string | undefined> {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:${MORE_FOLDERS}`, LC_ALL: 'C' }
  const limits = { timeout: MS_MAX, maxBuffer: OUTPUT_BYTES_MAX, env }
  return new Promise(resolve => {
    execFile(name, args, limits, (error, stdout) => resolve(error ? undefined : stdout))
  })
}
