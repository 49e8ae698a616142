import { closeSync, fsync, openSync } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { errnoOf } from './errors.ts'

const syncDescriptor = promisify(fsync)

/** Two writes of one file at the same time must not share what they write beside it. */
let writes = 0

export interface FileContent {
  readonly path: string
  readonly content: string | Uint8Array
  /** As in open(2). */
  readonly mode?: number
}

/** Files whose contents lie beside their places. */
export interface StagedFiles {
  /** They take their places in order; a power cut may damage them until syncFile of each. */
  commit(): Promise<void>
  discard(): Promise<void>
}

/**
 * Replaces the file as a whole: write beside it, fsync, rename, fsync the directory. After a power
 * cut there is the old content or the new one, never a part. `mode` as in open(2).
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  mode = 0o666,
): Promise<void> {
  const staged = await stageFiles([{ path, content, mode }], { isSynced: true })
  await staged.commit()
  await syncDirectory(dirname(path))
}

/**
 * Replaces the file as a whole without waiting for the disk: whole after a crash of the process, but
 * a power cut may damage it. For what can be found anew.
 */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const staged = await stageFiles([{ path, content }])
  await staged.commit()
}

/** Writes several files at once. Where one fails, none is left. */
export async function stageFiles(
  files: readonly FileContent[],
  o: { readonly isSynced: boolean } = { isSynced: false },
): Promise<StagedFiles> {
  const results = await Promise.allSettled(files.map(file => writeBeside(file, o)))
  const written = results.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  const discard = async (): Promise<void> => {
    for (const { temporary } of written) await rm(temporary, { force: true })
  }
  const commit = async (): Promise<void> => {
    for (const { temporary, path } of written) await rename(temporary, path)
  }
  const discardAfter = async (error: unknown): Promise<never> => {
    await discard()
    throw error
  }
  const failure = results.find(one => one.status === 'rejected')
  if (failure) return discardAfter(failure.reason)
  return { discard, commit: () => commit().catch(discardAfter) }
}

async function writeBeside(
  { path, content, mode = 0o666 }: FileContent,
  { isSynced }: { readonly isSynced: boolean },
): Promise<{ readonly path: string; readonly temporary: string }> {
  const temporary = `${path}.${process.pid}-${++writes}.tmp`
  const file = await create(temporary, mode)
  try {
    await file.writeFile(content)
    if (isSynced) await file.sync()
    await file.close()
  } catch (error) {
    await file.close().catch(() => {})
    await rm(temporary, { force: true })
    throw error
  }
  return { path, temporary }
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

/** Makes a file that was replaced without it last through a power cut. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    // Together: a journal then writes both at once.
    await Promise.all([file.sync(), syncDirectory(dirname(path))])
  } finally {
    await file.close()
  }
}

/** Makes what was created, renamed or removed in the directory last through a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  // What was just written to is in memory: to open and close it takes less than to ask a thread.
  const directory = openSync(path, 'r')
  try {
    await syncDescriptor(directory)
  } finally {
    closeSync(directory)
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
