import { appendFile, mkdir, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RoundRecord } from '../../protocol/round-record.ts'

/** Two files of this size at most: months of rounds of a small fleet. */
const FILE_BYTES_MAX = 32 * 1024 * 1024

/** Round records as JSON lines, the older half in `<path>.1`. */
export class RoundLog {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async append(record: Omit<RoundRecord, 'session' | 'sequence' | 'sentAt'>): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
    const size = await stat(this.#path).then(
      ({ size }) => size,
      () => 0,
    )
    if (size > FILE_BYTES_MAX) await rename(this.#path, `${this.#path}.1`)
    await appendFile(this.#path, `${JSON.stringify(record)}\n`)
  }
}
