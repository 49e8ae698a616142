import { arch, availableParallelism, cpus, type as osType, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { AgentBirth } from '../../protocol/life.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import { readKernelText } from './kernel-file.ts'

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
 * What this board is, read once at start: systeminformation spawns shells, so it has no place in
 * periodic work. Where it fails or takes too long, Node's own knowledge fills the fields.
 */
export async function readInventory(options: {
  readonly procRoot: string
  readonly sysRoot: string
  readonly log: Logger
  readonly durationMsMax?: number
}): Promise<Board> {
  const { procRoot, sysRoot, log, durationMsMax = 5000 } = options
  const known = await readSystemInformation(durationMsMax).catch((error): StaticInventory => {
    log.debug({ reason: messageOf(error) }, 'system inventory not read')
    return {}
  })
  const processor = joined(known.cpu?.manufacturer, known.cpu?.brand) ?? cpus()[0]?.model.trim()
  const system = joined(known.osInfo?.distro, known.osInfo?.release) ?? osType()
  return {
    model: limited((await modelOf({ procRoot, sysRoot, known })) ?? 'unknown machine'),
    cpu: limited(processor || 'unknown processor'),
    architecture: arch(),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: limited(`${system}, Linux ${known.osInfo?.kernel || release()}`),
    node: process.versions.node,
  }
}

async function readSystemInformation(durationMsMax: number): Promise<StaticInventory> {
  const { get } = (await import('systeminformation')).default
  return withDeadline(get(WANTED), { ms: durationMsMax, what: 'system inventory' })
}

/** Boards name themselves in the device tree, PCs in the DMI table. */
async function modelOf(options: {
  readonly procRoot: string
  readonly sysRoot: string
  readonly known: StaticInventory
}): Promise<string | undefined> {
  const { procRoot, sysRoot, known } = options
  const deviceTree =
    (await readKernelText(join(procRoot, 'device-tree/model'))) ??
    (await readKernelText(join(sysRoot, 'firmware/devicetree/base/model')))
  const { manufacturer, model } = known.system ?? {}
  // systeminformation takes many a virtual machine for a container; better unknown than wrong.
  return deviceTree || (model === 'Docker Container' ? undefined : joined(manufacturer, model))
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
