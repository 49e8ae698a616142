import { arch, availableParallelism, cpus, type as osType, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { AgentBirth } from '../../protocol/life.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { readBoardModel } from './board-model.ts'
import { readCores } from './cores.ts'
import { readKernelText } from './kernel-file.ts'
import { parseMeminfo } from './meminfo.ts'
import { readOperatingSystem } from './operating-system.ts'
import type { BoardRoots } from './probe.ts'
import { readProcessorName } from './processor-name.ts'

export type Board = AgentBirth['board']

interface StaticInventory {
  readonly system?: { readonly manufacturer?: string; readonly model?: string }
  readonly cpu?: { readonly manufacturer?: string; readonly brand?: string }
  readonly osInfo?: {
    readonly distro?: string
    readonly release?: string
    readonly kernel?: string
  }
}

const WANTED = {
  system: 'manufacturer, model',
  cpu: 'manufacturer, brand',
  osInfo: 'distro, release, kernel',
}

/**
 * What this board is, read once at start: from files where they tell. systeminformation is asked for
 * what they leave open; it spawns shells, so it has no place in periodic work. Where it fails or takes
 * too long, Node's own knowledge fills the fields.
 */
export async function readInventory(options: {
  readonly procRoot: string
  readonly sysRoot: string
  /** Where files outside of /proc and /sys are looked for. */
  readonly filesRoot?: string
  readonly log: Logger
  readonly durationMsMax?: number
}): Promise<Board> {
  const { filesRoot = '/', ...roots } = options
  const seen = await readFiles({ ...roots, filesRoot })
  const isWhole = seen.model && seen.cpu && seen.system.name && seen.system.kernel
  const known = isWhole ? {} : await askSystemInformation(options)
  const { distro, release: distroRelease } = known.osInfo ?? {}
  const system = seen.system.name ?? joined(distro, distroRelease) ?? osType()
  const kernel = seen.system.kernel ?? (known.osInfo?.kernel || release())
  const cpu = seen.cpu ?? joined(known.cpu?.manufacturer, known.cpu?.brand) ?? cpus()[0]?.model
  return {
    model: limited(seen.model ?? modelOf(known) ?? 'unknown machine'),
    cpu: limited(cpu?.trim() || 'unknown processor'),
    architecture: arch(),
    cores: seen.cores || availableParallelism(),
    memoryBytes: seen.memoryBytes ?? totalmem(),
    os: limited(`${system}, Linux ${kernel}`),
    node: process.versions.node,
  }
}

async function readFiles(o: BoardRoots & { readonly filesRoot: string }) {
  const meminfo = (await readKernelText(join(o.procRoot, 'meminfo'))) ?? ''
  return {
    model: await readBoardModel(o),
    cpu: await readProcessorName(o.procRoot),
    cores: (await readCores(o)).length,
    memoryBytes: parseMeminfo(meminfo)?.totalBytes,
    system: await readOperatingSystem(o),
  }
}

async function askSystemInformation(options: {
  readonly log: Logger
  readonly durationMsMax?: number
}): Promise<StaticInventory> {
  const { log, durationMsMax = 5000 } = options
  return readSystemInformation(durationMsMax).catch((error): StaticInventory => {
    log.debug({ reason: messageOf(error) }, 'system inventory not read')
    return {}
  })
}

async function readSystemInformation(durationMsMax: number): Promise<StaticInventory> {
  const { get } = (await import('systeminformation')).default
  return withDeadline(get(WANTED), { ms: durationMsMax, what: 'system inventory' })
}

function modelOf({ system }: StaticInventory): string | undefined {
  // systeminformation takes many a virtual machine for a container; better unknown than wrong.
  if (system?.model === 'Docker Container') return undefined
  return joined(system?.manufacturer, system?.model)
}

/** The words that say something; systeminformation writes '-' or an empty text for unknown. */
function joined(...parts: (string | undefined)[]): string | undefined {
  const words = parts.map(part => part?.trim() ?? '').filter(part => part !== '' && part !== '-')
  return words.length > 0 ? words.join(' ') : undefined
}

/** Longest text that a birth takes. */
function limited(text: string): string {
  return text.slice(0, 200)
}
