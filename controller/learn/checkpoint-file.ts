import { z } from 'zod'
import { GainnetError } from '../../runtime/errors.ts'
import { readHeadedFile, writeHeadedFile } from '../../runtime/headed-file.ts'
import type { PolicyCheckpoint } from './policy-training.ts'

/** Lengths of what stands behind the header one after the other: numbers, then choices. */
const headerSchema = z.strictObject({
  format: z.literal('gainnet-policy-checkpoint'),
  seed: z.int().min(0),
  updates: z.int().min(1),
  updateCount: z.int().min(0),
  states: z.array(z.tuple([z.string(), z.int().min(0)])),
  choices: z.array(z.array(z.int().min(0))),
})

export async function writeCheckpoint(path: string, checkpoint: PolicyCheckpoint): Promise<void> {
  const { seed, updates, updateCount, choices } = checkpoint
  const states = Object.entries(checkpoint.states)
  const header: z.input<typeof headerSchema> = {
    format: 'gainnet-policy-checkpoint',
    seed,
    updates,
    updateCount,
    states: states.map(([name, values]) => [name, values.length]),
    choices: choices.map(rounds => rounds.map(({ length }) => length)),
  }
  const numbers = states.map(([, { buffer, byteOffset, byteLength }]) => {
    return Buffer.from(buffer, byteOffset, byteLength)
  })
  const places = choices.flat().map(round => Buffer.from(round))
  await writeHeadedFile(path, header, Buffer.concat([...numbers, ...places]))
}

export async function readCheckpoint(path: string): Promise<PolicyCheckpoint> {
  const file = await readHeadedFile(path)
  const header = headerSchema.safeParse(file?.header)
  if (file === null || !header.success) throw damaged(path)
  const { seed, updates, updateCount } = header.data
  const reader = new Reader(file.bytes)
  const states = header.data.states.map(([name, length]) => {
    return [name, new Float32Array(reader.take(4 * length).buffer)] as const
  })
  const choices = header.data.choices.map(rounds =>
    rounds.map(length => new Int8Array(reader.take(length).buffer)),
  )
  if (!reader.isAtEnd) throw damaged(path)
  return { seed, updates, updateCount, states: Object.fromEntries(states), choices }
}

function damaged(path: string): GainnetError {
  return new GainnetError('FILE_UNREADABLE', `${path} is no checkpoint of a policy, or damaged`, {
    path,
  })
}

/** Copies, so that arrays of four bytes an element may begin anywhere in the file. */
class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  #isWhole = true

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#isWhole && this.#at === this.#bytes.length
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(length)
    const found = this.#bytes.subarray(this.#at, this.#at + length)
    taken.set(found)
    this.#isWhole &&= found.length === length
    this.#at += length
    return taken
  }
}
