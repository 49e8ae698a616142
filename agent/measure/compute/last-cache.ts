import { join } from 'node:path'
import { readKernelText } from '../kernel-file.ts'

/**
 * Bytes of the largest data cache that a core sees (kernel, ABI/testing/sysfs-devices-system-cpu,
 * cache/index*\/size: `32768K`); undefined where the kernel does not tell, as on most boards.
 */
export async function readLastCacheBytes(
  sysRoot: string,
  cpu: number,
): Promise<number | undefined> {
  const folder = join(sysRoot, `devices/system/cpu/cpu${cpu}/cache`)
  // The instruction cache of the first level is smaller than any other.
  const texts = await Promise.all(
    [0, 1, 2, 3].map(index => readKernelText(join(folder, `index${index}/size`))),
  )
  const sizes = texts.flatMap(text => {
    const [, count, unit] = /^(\d+)([KM])$/.exec(text ?? '') ?? []
    if (count === undefined) return []
    return [Number(count) * (unit === 'M' ? 2 ** 20 : 2 ** 10)]
  })
  const largest = Math.max(0, ...sizes)
  return largest > 0 && largest <= CACHE_BYTES_MAX ? largest : undefined
}

/** The largest caches of servers have a gibibyte or so. */
const CACHE_BYTES_MAX = 2 ** 32
