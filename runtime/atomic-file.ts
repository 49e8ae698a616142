import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './errors.ts'

/** Two writes of one file at the same time must not share what they write beside it. */
let writes = 0

/**
 * Replaces the file as a whole: write beside it, fsync, rename, fsync the directory. After a power
 * cut there is the old content or the new one, never a part. `mode` as in open(2).
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  mode = 0o666,
): Promise<void> {
  await replace(path, content, { mode, isSynced: true })
}

/**
 * Replaces the file as a whole without waiting for the disk: whole after a crash of the process, but
 * a power cut may damage it. For what can be found anew.
 */
export function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  return replace(path, content, { mode: 0o666, isSynced: false })
}

async function replace(
  path: string,
  content: string | Uint8Array,
  { mode, isSynced }: { readonly mode: number; readonly isSynced: boolean },
): Promise<void> {
  const temporary = `${path}.${process.pid}-${++writes}.tmp`
  const file = await create(temporary, mode)
  try {
    await file.writeFile(content)
    if (isSynced) await file.sync()
    await rename(temporary, path)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(temporary, { force: true })
    throw error
  }
  await Promise.all([file.close(), isSynced ? syncDirectory(dirname(path)) : undefined])
}

/** Opens a new file; the folder for it is made where it is missing, which it seldom is. */
async function create(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'w', mode)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true })
    return open(path, 'w', mode)
  }
}

/** Makes what was created, renamed or removed in the directory last through a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** The file's bytes, or undefined where there is no such file. */
export async function readFileIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
