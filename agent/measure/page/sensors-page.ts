import type { Paint } from '../heat-map.ts'
import type { ProbeResult } from '../probe.ts'
import { costLines } from './cost-lines.ts'
import { pageOf, styleOf, titleLines } from './page-text.ts'
import { probeLines } from './probe-lines.ts'

/** What `gainnet measure sensors` shows, in lines of at most 80 columns. */
export function renderSensorsPage(page: {
  readonly agentId: string
  readonly measuredAt: string
  readonly results: Readonly<Record<string, ProbeResult<unknown>>>
  readonly paint: Paint
  readonly explain: boolean
}): string {
  const { agentId, measuredAt, results, paint, explain } = page
  const style = styleOf(paint)
  const lines = [
    '',
    ...titleLines(`What the sensors of ${agentId} deliver`, measuredAt, style),
    '',
    ...Object.entries(results).flatMap(([name, result]) => [
      ...probeLines(name, result, { style, explain }),
      '',
    ]),
    ...costLines(results, style),
    '',
  ]
  return pageOf(lines, paint)
}
