import { paintFor } from '../../agent/measure/heat-map.ts'
import { urpDocument } from '../../protocol/urp-series/urp-document.ts'
import { printedRows } from '../../runtime/printed-json.ts'
import type { ConfigOptions } from '../config-options.ts'
import { renderUrpPage } from './urp-page.ts'
import { isFile, type UrpChoice, urpFromFile, urpFromFleet } from './urp-source.ts'

export interface ShowOptions extends ConfigOptions, UrpChoice {
  readonly json?: boolean
}

/** `gainnet urp show [source]`: a file, an agent of the site, or this board itself. */
export async function runShow(source: string | undefined, options: ShowOptions): Promise<void> {
  const { agentId, urp } =
    source !== undefined && isFile(source)
      ? await urpFromFile(source, options)
      : await urpFromFleet(source, options)
  const { stdout } = process
  if (options.json) {
    stdout.write(`${printedRows({ ...(agentId ? { agentId } : {}), ...urpDocument(urp) })}\n`)
    return
  }
  const paint = paintFor({ isTTY: stdout.isTTY === true, env: process.env })
  stdout.write(renderUrpPage({ agentId, urp, paint }))
}
