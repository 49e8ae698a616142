import { join } from 'node:path'
import { readKernelText, whyUnread } from './kernel-file.ts'
import type { Probe } from './probe.ts'

export interface PowerModeValues {
  readonly id: number
  /** As the board's own list names it: `15W`, `MODE_30W_ALL`. */
  readonly name?: string
}

/**
 * Which cores and clocks a Jetson allows itself: nvpmodel leaves the mode that it set in a file, and
 * its list names the modes (Jetson Linux Developer Guide, "Supported Modes and Power Efficiency").
 * `filesRoot` is / but for recorded boards.
 */
export function powerModeProbe({
  filesRoot,
}: {
  readonly filesRoot: string
}): Probe<PowerModeValues> {
  const statusPath = join(filesRoot, 'var/lib/nvpmodel/status')
  return {
    name: 'powerMode',
    durationMsMax: 2000,
    async read() {
      const text = await readKernelText(statusPath)
      const digits = /\bpmode:(\d{1,4})\b/.exec(text ?? '')?.[1]
      if (digits === undefined) return { status: 'absent', reason: await whyUnread(statusPath) }
      const id = Number(digits)
      const list = (await readKernelText(join(filesRoot, 'etc/nvpmodel.conf'))) ?? ''
      const name = nameOfMode(list, id)
      return {
        status: 'ok',
        values: { id, ...(name === undefined ? {} : { name }) },
        figures: [{ name: 'mode', value: String(id), unit: name ?? '' }],
        method: 'nvpmodel',
      }
    },
  }
}

/** `< POWER_MODEL ID=2 NAME=MODE_15W >` in /etc/nvpmodel.conf. */
function nameOfMode(list: string, id: number): string | undefined {
  const modes = list.matchAll(/^<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>/gm)
  return [...modes].find(([, each]) => Number(each) === id)?.[2]
}
