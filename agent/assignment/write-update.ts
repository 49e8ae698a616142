import { bytesOfParameters } from '../../protocol/parameter-bytes.ts'
import {
  NO_COMPRESSION,
  type UpdateCompression,
} from '../../protocol/update-encoding/compression.ts'
import {
  decodeUpdate,
  encodeUpdate,
  type UpdateEncoding,
} from '../../protocol/update-encoding/encodings.ts'

export interface WrittenUpdate {
  readonly payload: Uint8Array
  readonly form: {
    readonly encoding: UpdateEncoding
    readonly form: 'whole' | 'change'
    readonly valueCount: number
  }
  /** Null where the payload carries everything. */
  readonly residual: Float32Array | null
}

/**
 * Parameters as they are, or, compressed, how they differ from the version that they were trained from
 * together with what the update before could not carry (error feedback: Seide et al. 2014, Stich et
 * al. 2018), so that nothing is lost for good.
 */
export function writeUpdate(
  o: {
    readonly learned: Float32Array
    readonly base: Float32Array
    readonly residual: Float32Array | undefined
  },
  compression: UpdateCompression = NO_COMPRESSION,
): WrittenUpdate {
  const { learned, base, residual } = o
  const { encoding } = compression
  const valueCount = learned.length
  if (encoding === 'float32') {
    const form = { encoding, form: 'whole', valueCount } as const
    return { payload: bytesOfParameters(learned), form, residual: null }
  }
  const change = learned.map((value, at) => value - (base[at] ?? 0) + (residual?.[at] ?? 0))
  const payload = encodeUpdate(encoding, change, compression)
  const carried = decodeUpdate(encoding, payload, valueCount)
  return {
    payload,
    form: { encoding, form: 'change', valueCount },
    residual: change.map((value, at) => value - (carried[at] ?? 0)),
  }
}
