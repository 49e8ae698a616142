import { constants } from 'node:fs'
import { access, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeFileAtomic } from '../../runtime/atomic-file.ts'
import { errnoOf, GainnetError, messageOf } from '../../runtime/errors.ts'
import { withExternalData } from '../../training/onnx/external-data.ts'

/** An ONNX file as one piece: weights that it keeps in files of its folder are taken in. */
export async function readModelFile(path: string): Promise<Uint8Array> {
  return withExternalData(await readInputFile(path), dirname(path))
}

/** A file that was named on the command line. */
export async function readInputFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw unreadable(path, error)
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder',
  ENOENT: 'does not exist',
}

export function unreadable(path: string, cause: unknown): GainnetError {
  const why = WORDS[errnoOf(cause) ?? ''] ?? `cannot be read: ${messageOf(cause)}`
  return new GainnetError('FILE_UNREADABLE', `${path} ${why}`, { path }, { cause })
}

/** Before the work whose result is to go there: fails where it could not be written. */
export async function checkWritable(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await access(dirname(path), constants.W_OK)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/** Whole or not at all: a model is not lost by a disk that fills. */
export async function writeOutputFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFileAtomic(path, content)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

function unwritable(path: string, cause: unknown): GainnetError {
  const message = `${path} cannot be written: ${messageOf(cause)}`
  return new GainnetError('FILE_UNWRITABLE', message, { path }, { cause })
}
