import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * How to fork a module that lies beside the calling one: the compiled file in production, the
 * TypeScript source through tsx where the sources themselves run (tests, development).
 */
export function childModule(
  callerUrl: string,
  name: string,
): { readonly path: string; readonly execArgv: readonly string[] } {
  const extension = extname(fileURLToPath(callerUrl))
  const path = fileURLToPath(new URL(`${name}${extension}`, callerUrl))
  return { path, execArgv: extension === '.ts' ? ['--import', 'tsx'] : [] }
}
