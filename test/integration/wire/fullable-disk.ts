import { type FileHandle, open } from 'node:fs/promises'
import type { OpenFile } from '../../../agent/outbox/message-log.ts'

/**
 * Real files on a disk that is full when the test says so: as a real one, it still takes half of
 * what is written before it fails.
 */
export class FullableDisk {
  isFull = false

  readonly openFile: OpenFile = async (path, flags) => {
    if (this.isFull) throw noSpace()
    const file = await open(path, flags)
    const write = file.write.bind(file) as (...arguments_: unknown[]) => Promise<unknown>
    const limited = async (
      bytes: Buffer,
      offset: number,
      length: number,
      position: number,
    ): Promise<unknown> => {
      if (!this.isFull) return write(bytes, offset, length, position)
      await write(bytes, offset, Math.floor(length / 2), position)
      throw noSpace()
    }
    file.write = limited as FileHandle['write']
    return file
  }
}

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
}
