import { UpdateStore } from '../../../agent/outbox/update-store.ts'
import { cutBlocks, hashOf } from '../../../protocol/blocks.ts'
import { NO_COMPRESSION } from '../../../protocol/update-encoding/compression.ts'
import type { UpdateEncoding } from '../../../protocol/update-encoding/encodings.ts'
import { systemClock } from '../../../runtime/clock.ts'
import type { Logger } from '../../../runtime/logger.ts'
import { testLog } from '../../support/test-log.ts'

export const BASE = 'b'.repeat(64)
export const PARAMETERS = 400_000
const { log } = testLog()

export function parametersOf(seed: number, count = PARAMETERS): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => Math.sin(index * seed))
}

export function updateOf(grId: number, values: Float32Array, blockBytes = 64 * 1024) {
  const payload = new Uint8Array(values.buffer)
  const content = {
    grId,
    crId: grId + 1,
    modelId: 'licences',
    baseVersion: BASE,
    sampleCount: 100,
    localSteps: 10,
    lossBefore: 5,
    lossAfter: 4,
    phases: [],
    encoding: 'float32',
    form: 'whole',
    valueCount: values.length,
    bytes: payload.length,
    sha256: hashOf(payload),
    blockBytes,
    blockHashes: cutBlocks(payload, blockBytes).map(hashOf),
  } as const
  return { content: { ...content, phases: [], blockHashes: [...content.blockHashes] }, payload }
}

/** An update whose payload is a change, in an encoding that loses some of it. */
export function compressedUpdateOf(
  grId: number,
  o: {
    readonly encoding: UpdateEncoding
    readonly payload: Uint8Array<ArrayBuffer>
    readonly valueCount: number
  },
) {
  const { encoding, payload, valueCount } = o
  const blockBytes = 64 * 1024
  const { content } = updateOf(grId, new Float32Array(1), blockBytes)
  const form = { encoding, form: 'change', valueCount } as const
  const hashes = {
    sha256: hashOf(payload),
    blockHashes: cutBlocks(payload, blockBytes).map(hashOf),
  }
  return { content: { ...content, ...form, ...hashes, bytes: payload.length }, payload }
}

/** What the controller expects of an update of so many parameters. */
export function expectedOf(valueCount: number, baseVersion = BASE) {
  return { valueCount, compression: NO_COMPRESSION, baseVersion }
}

export function openStore(directory: string, ageMsMax = 60_000, ownLog: Logger = log) {
  const limits = { bytesMax: 64 * 1024 * 1024, ageMsMax, countMax: 8 }
  return UpdateStore.open({ directory, clock: systemClock, log: ownLog, ...limits })
}
