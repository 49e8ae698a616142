import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { errnoOf } from '../../runtime/errors.ts'

/**
 * Text of a file below /proc or /sys, trimmed, or undefined where it is not there or the driver
 * refuses to read (an unpowered thermal zone answers EAGAIN or EINVAL): to a probe both mean that
 * this board does not have the part.
 */
export async function readKernelText(path: string): Promise<string | undefined> {
  try {
    return cleaned(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** As above, at once and not through the thread pool: for counters that belong to one moment. */
export function readKernelTextNow(path: string): string | undefined {
  try {
    return cleaned(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Strings of the device tree end with a NUL (Devicetree Specification v0.4, 2.2.4). */
function cleaned(text: string): string {
  return text.replaceAll('\0', '').trim()
}

/** The kernel writes numbers in plain decimals; an empty file or a word is no number. */
export function kernelNumberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** Why a folder shows nothing: there is no `what` in it, or it may not be looked into. */
export async function whyNone(what: string, folder: string): Promise<string> {
  const code = await readdir(folder).then(() => undefined, errnoOf)
  const isForbidden = code === 'EACCES' || code === 'EPERM'
  return isForbidden ? `no permission to read ${folder}` : `no ${what} in ${folder}`
}

/** Names in a directory in a stable order, none where there is no such directory. */
export async function readKernelNames(path: string): Promise<string[]> {
  const names = await readdir(path).catch((): string[] => [])
  return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** Why a file gives nothing, for the reason of an absent probe. */
export async function whyUnread(path: string): Promise<string> {
  try {
    return cleaned(await readFile(path, 'utf8')) === ''
      ? `${path} is empty`
      : `no figure in ${path}`
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return `no ${path}`
    return code === 'EACCES' || code === 'EPERM'
      ? `no permission to read ${path}`
      : `${path} cannot be read (${code ?? 'unknown'})`
  }
}
