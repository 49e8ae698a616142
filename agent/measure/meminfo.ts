/** What /proc/meminfo says of the machine, in bytes. */
export interface MachineMemory {
  readonly totalBytes: number
  /** What a new program could have without swapping, as the kernel estimates it. */
  readonly availableBytes: number
}

/**
 * `MemTotal:  3884376 kB` and MemAvailable (proc_meminfo(5)). Undefined where one is missing, in
 * another unit, or impossible: more available than there is.
 */
export function parseMeminfo(text: string): MachineMemory | undefined {
  const totalBytes = bytesOf(text, 'MemTotal')
  const availableBytes = bytesOf(text, 'MemAvailable')
  if (totalBytes === undefined || availableBytes === undefined) return undefined
  if (totalBytes === 0 || availableBytes > totalBytes) return undefined
  return { totalBytes, availableBytes }
}

function bytesOf(text: string, key: string): number | undefined {
  const count = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  return count === undefined ? undefined : Number(count) * 1024
}
