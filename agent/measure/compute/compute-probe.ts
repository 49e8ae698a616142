import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../../runtime/errors.ts'
import type { OrtRuntime } from '../../../training/trainer/ort-runtime.ts'
import { coreClasses, readCores } from '../cores.ts'
import { takeHostLock } from '../host-lock.ts'
import type { Conditions, Probe, ProbeContext, Reading } from '../probe.ts'
import { computeFigures, explanationOf } from './compute-figures.ts'
import type { ComputeExtent, ComputeValues, CoreClassRate } from './compute-values.ts'
import { measureAllCores, measureClass, type StartTrainer } from './measure-cores.ts'
import type { Effort } from './measure-kernels.ts'
import { worstOf } from './run-flags.ts'

export interface ComputeProbeOptions {
  readonly startTrainer: StartTrainer
  /** Where left out, short until a reading has succeeded, so that an agent starts soon, then full. */
  readonly extent?: ComputeExtent
  readonly effort?: Effort
  readonly lockPath?: string
  readonly lockWaitMsMax?: number
}

/** All agents of a machine share this lock, so that they never measure each other. */
export const COMPUTE_LOCK_PATH = join(tmpdir(), 'gainnet-compute-probe.lock')

const DURATION_MS_MAX = 300_000

/** Rate of the training kernels, one measurement a class of core, in a child process bound to it. */
export function computeProbe(options: ComputeProbeOptions): Probe<ComputeValues> {
  const { lockPath = COMPUTE_LOCK_PATH, lockWaitMsMax = 90_000 } = options
  let extent = options.extent ?? 'short'
  return {
    name: 'compute',
    durationMsMax: DURATION_MS_MAX,
    async read(context) {
      const lock = await takeHostLock({
        path: lockPath,
        waitMsMax: lockWaitMsMax,
        holdMsMax: DURATION_MS_MAX,
        signal: context.signal,
      })
      if (!lock) {
        const seconds = lockWaitMsMax / 1000
        return { status: 'absent', reason: `another process was measuring for ${seconds} s` }
      }
      try {
        const reading = await measureBoard(context, { ...options, extent })
        if (reading.status === 'ok' && !options.extent) extent = 'full'
        return reading
      } finally {
        await lock.release()
      }
    },
  }
}

async function measureBoard(
  context: ProbeContext,
  o: Pick<ComputeProbeOptions, 'startTrainer' | 'effort'> & { readonly extent: ComputeExtent },
): Promise<Reading<ComputeValues>> {
  const startedAt = performance.now()
  const cores = await readCores(context)
  if (cores.length === 0) {
    return { status: 'absent', reason: `no core in ${join(context.procRoot, 'stat')}` }
  }
  const { extent } = o
  let cpuSeconds = 0
  const spend = (childCpuSeconds: number): void => {
    cpuSeconds += childCpuSeconds
    context.spend?.({ childCpuSeconds })
  }
  const options = { ...o, roots: context, signal: context.signal, spend }
  const classes: CoreClassRate[] = []
  const conditions: Conditions[] = []
  let runtime: OrtRuntime = 'native'
  for (const members of coreClasses(cores)) {
    const one = await measureClass(members, options)
    classes.push(one.rate)
    conditions.push(...one.conditions)
    runtime = one.runtime
  }
  const discarded: string[] = []
  const isTogether = extent === 'full' && cores.length > 1
  // More children than one core needs may be more than the memory holds: the rest is still good.
  const all = isTogether
    ? await measureAllCores(cores, options).catch(error => {
        context.signal.throwIfAborted()
        discarded.push(`all cores at once: ${messageOf(error)}`)
        return undefined
      })
    : undefined
  const [before = {}] = conditions
  const figures = [...classes.flatMap(one => one.kernels ?? []), ...(all?.rate.kernels ?? [])]
  const explanation = explanationOf(figures)
  const values: ComputeValues = {
    runtime,
    classes,
    ...(all ? { allCores: all.rate } : {}),
    before,
    after: conditions.at(-1) ?? before,
    extent,
    discarded: explanation.discarded,
    spent: { cpuSeconds, wallSeconds: (performance.now() - startedAt) / 1e3 },
  }
  return {
    status: 'ok',
    values,
    figures: computeFigures(values),
    method: methodOf(values),
    conditions: worstOf([...conditions, ...(all?.conditions ?? [])]),
    explanation,
    ...(discarded.length > 0 ? { discarded } : {}),
  }
}

function methodOf({ extent, runtime }: ComputeValues): string {
  const what = extent === 'full' ? 'kernels and training steps' : 'training steps'
  return `${what}, median by CPU time${runtime === 'wasm' ? ', on WebAssembly' : ''}`
}
