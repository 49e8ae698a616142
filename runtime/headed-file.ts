import { open } from 'node:fs/promises'
import { writeFileAtomic } from './atomic-file.ts'

/** Larger headers are damage. */
const HEADER_BYTES_MAX = 16 * 1024 * 1024

/**
 * A JSON header and bytes in one file, so that there are both or neither: the length of the header
 * (32 bits, little-endian), the header, the bytes. `write` is writeFileAtomic, or replaceFile where
 * the caller has it synced later.
 */
export async function writeHeadedFile(
  path: string,
  header: unknown,
  bytes: Uint8Array,
  write: (path: string, content: Uint8Array) => Promise<void> = writeFileAtomic,
): Promise<void> {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  await write(path, Buffer.concat([length, json, bytes]))
}

/** The header alone, undefined where the file is damaged. It is from outside: parse it. */
export async function readHeader(path: string): Promise<unknown> {
  return (await read(path, { withBytes: false }))?.header
}

/** Header and bytes, null where the file is damaged. Rejects where it cannot be read. */
export function readHeadedFile(
  path: string,
): Promise<{ readonly header: unknown; readonly bytes: Uint8Array } | null> {
  return read(path, { withBytes: true })
}

async function read(
  path: string,
  { withBytes }: { readonly withBytes: boolean },
): Promise<{ header: unknown; bytes: Uint8Array } | null> {
  const file = await open(path, 'r')
  try {
    const length = Buffer.alloc(4)
    if ((await file.read(length, 0, 4, 0)).bytesRead < 4) return null
    const json = Buffer.alloc(Math.min(length.readUInt32LE(), HEADER_BYTES_MAX))
    if ((await file.read(json, 0, json.length, 4)).bytesRead < json.length) return null
    const header: unknown = JSON.parse(json.toString())
    // Reading at a place does not move the file's own place: this is the whole file.
    const bytes = withBytes ? (await file.readFile()).subarray(4 + json.length) : new Uint8Array(0)
    return { header, bytes }
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  } finally {
    await file.close()
  }
}
