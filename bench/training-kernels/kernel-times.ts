import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InferenceSession } from 'onnxruntime-node'
import { z } from 'zod'
import type { Ort } from '../../training/trainer/ort-session.ts'

/** What ORT's profile says of one kernel's run. Microseconds of wall time: of one thread, at work. */
const eventsSchema = z.array(
  z.object({
    cat: z.string(),
    name: z.string(),
    dur: z.number(),
    args: z.object({ op_name: z.string().optional() }).optional(),
  }),
)

const KERNEL = '_kernel_time'

/**
 * Microseconds a run that the nodes of a model take, by operator, over some runs. Of each node the time
 * that a fifth of its runs stay below, so that what else the machine does is left out.
 */
export async function kernelTimes(
  ort: Ort,
  model: Uint8Array,
  use: (session: InferenceSession) => Promise<number>,
): Promise<ReadonlyMap<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-profile-'))
  try {
    const session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'extended',
      enableMemPattern: false,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
      logSeverityLevel: 3,
    })
    const steps = await use(session)
    session.endProfiling()
    await session.release()
    const [file = ''] = readdirSync(folder)
    const events = eventsSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
    return byOperator(events, steps)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function byOperator(
  events: z.output<typeof eventsSchema>,
  steps: number,
): ReadonlyMap<string, number> {
  const nodes = new Map<string, { readonly operator: string; readonly times: number[] }>()
  for (const { cat, name, dur, args } of events) {
    const operator = args?.op_name
    if (cat !== 'Node' || !name.endsWith(KERNEL) || !operator || operator === 'Scan') continue
    const node = nodes.get(name) ?? { operator, times: [] }
    node.times.push(dur)
    nodes.set(name, node)
  }
  const sums = new Map<string, number>()
  for (const { operator, times } of nodes.values()) {
    times.sort((a, b) => a - b)
    const typical = times[Math.floor(times.length / 5)] ?? 0
    sums.set(operator, (sums.get(operator) ?? 0) + (typical * times.length) / steps)
  }
  return sums
}
