import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { type Random, shuffle } from '../../runtime/seeded-random.ts'

/** A folder with more is not scanned further: the sensor needs variety, not completeness. */
const FILES_MAX = 10_000
/** Larger files are read up to here, so that one log file cannot fill the memory of a board. */
const FILE_BYTES_MAX = 1024 * 1024

/** The files below a folder, in an order drawn from the seed; symbolic links are not followed. */
export async function listTextFiles(folder: string, random: Random): Promise<string[]> {
  let names: string[]
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    names = entries
      .filter(entry => entry.isFile())
      .slice(0, FILES_MAX)
      .map(entry => join(entry.parentPath, entry.name))
      .sort()
  } catch (error) {
    throw new GainnetError(
      'SENSOR_UNAVAILABLE',
      `cannot read the folder ${folder}: ${messageOf(error)}`,
      { folder },
      { cause: error },
    )
  }
  if (names.length === 0) {
    throw new GainnetError('SENSOR_UNAVAILABLE', `no files in the folder ${folder}`, { folder })
  }
  shuffle(names, random)
  return names
}

export async function readTextFile(path: string): Promise<Uint8Array> {
  const { size } = await stat(path)
  if (size <= FILE_BYTES_MAX) return readFile(path)
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(FILE_BYTES_MAX)
    const { bytesRead } = await file.read(bytes, 0, FILE_BYTES_MAX, 0)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
