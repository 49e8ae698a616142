import { readdir, readFile } from 'node:fs/promises'

/**
 * Text of a file below /proc or /sys, trimmed, or undefined where it is not there or the driver
 * refuses to read (an unpowered thermal zone answers EAGAIN or EINVAL): to a probe both mean that
 * this board does not have the part.
 */
export async function readKernelText(path: string): Promise<string | undefined> {
  try {
    // Strings of the device tree end with a NUL (Devicetree Specification v0.4, 2.2.4).
    return (await readFile(path, 'utf8')).replaceAll('\0', '').trim()
  } catch {
    return undefined
  }
}

export async function readKernelNumber(path: string): Promise<number | undefined> {
  const text = await readKernelText(path)
  if (text === undefined || text === '') return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

/** Names in a directory in a stable order, none where there is no such directory. */
export async function readKernelNames(path: string): Promise<string[]> {
  const names = await readdir(path).catch((): string[] => [])
  return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}
