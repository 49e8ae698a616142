import { join } from 'node:path'
import { readKernelNames, readKernelText } from './kernel-file.ts'

/** One thing each that the firmware of a Raspberry Pi tells. */
export interface ThrottleFlags {
  readonly underVoltage: boolean
  readonly frequencyCapped: boolean
  readonly throttled: boolean
  readonly softTemperatureLimit: boolean
}

/** What the firmware of a Raspberry Pi says about its supply and its heat. */
export interface ThrottleBits {
  readonly now: ThrottleFlags
  readonly sinceBoot: ThrottleFlags
}

/** Bits 0 to 3 and 16 to 19 have a meaning (Raspberry Pi documentation, vcgencmd get_throttled). */
const KNOWN_BITS = 0x000f_000f

/**
 * The word in hexadecimal, as the firmware driver prints it: without a prefix. Undefined for what is
 * no such word; all bits set, for one, is what a failed mailbox call leaves.
 */
export function parseThrottleWord(text: string): ThrottleBits | undefined {
  if (!/^(0x)?[0-9a-f]{1,8}$/i.test(text)) return undefined
  const word = Number.parseInt(text, 16)
  if ((word & ~KNOWN_BITS) !== 0) return undefined
  return { now: flagsAt(word, 0), sinceBoot: flagsAt(word, 16) }
}

function flagsAt(word: number, first: number): ThrottleFlags {
  const bit = (index: number): boolean => ((word >>> (first + index)) & 1) === 1
  return {
    underVoltage: bit(0),
    frequencyCapped: bit(1),
    throttled: bit(2),
    softTemperatureLimit: bit(3),
  }
}

/**
 * devices/platform/soc*\/*firmware/get_throttled: the node is `soc` on a Raspberry Pi 4 and
 * `soc@107c000000` on a 5. The driver keeps the word fresh itself, every two seconds.
 */
export async function readThrottleBits(
  sysRoot: string,
  discarded: string[] = [],
): Promise<ThrottleBits | undefined> {
  const platform = 'devices/platform'
  const socs = await readKernelNames(join(sysRoot, platform))
  for (const soc of socs.filter(name => name.startsWith('soc'))) {
    const nodes = await readKernelNames(join(sysRoot, platform, soc))
    for (const node of nodes.filter(name => name.includes('firmware'))) {
      const path = `${platform}/${soc}/${node}/get_throttled`
      const text = await readKernelText(join(sysRoot, path))
      if (text === undefined) continue
      const bits = parseThrottleWord(text)
      if (bits) return bits
      discarded.push(`${path}: '${text.slice(0, 24)}' is not believed`)
    }
  }
  return undefined
}

/** Whether the board is slower now than it could be. */
export function isSlowed({ now }: ThrottleBits): boolean {
  return now.frequencyCapped || now.throttled || now.softTemperatureLimit
}
