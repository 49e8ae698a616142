import { join } from 'node:path'
import { readKernelText } from './kernel-file.ts'

/** `CPU implementer` and `CPU part` of arm64 boards (Linux, arch/arm64/include/asm/cputype.h). */
const ARM_PARTS: Readonly<Record<string, string>> = {
  '0x41 0xd03': 'Cortex-A53',
  '0x41 0xd04': 'Cortex-A35',
  '0x41 0xd05': 'Cortex-A55',
  '0x41 0xd07': 'Cortex-A57',
  '0x41 0xd08': 'Cortex-A72',
  '0x41 0xd09': 'Cortex-A73',
  '0x41 0xd0b': 'Cortex-A76',
  '0x41 0xd42': 'Cortex-A78AE',
  '0x4e 0x003': 'NVIDIA Denver 2',
  '0x4e 0x004': 'NVIDIA Carmel',
}

/** From /proc/cpuinfo: its `model name`, or the part number of an Arm core; boards may mix cores. */
export async function readProcessorName(procRoot: string): Promise<string | undefined> {
  const text = (await readKernelText(join(procRoot, 'cpuinfo'))) ?? ''
  const models = valuesOf(text, 'model name')
  if (models.length > 0) return unique(models).join(', ')
  const implementers = valuesOf(text, 'CPU implementer')
  const parts = valuesOf(text, 'CPU part').map((part, core) => `${implementers[core]} ${part}`)
  const names = unique(parts).map(part => ARM_PARTS[part] ?? `Arm core ${part}`)
  return names.length > 0 ? names.join(', ') : undefined
}

function valuesOf(text: string, key: string): string[] {
  const lines = text.matchAll(new RegExp(`^${key}\\s*:[ \\t]*(\\S.*)$`, 'gm'))
  return [...lines].map(([, value = '']) => value.trim())
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}
