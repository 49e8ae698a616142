import { endianness } from 'node:os'

/** How one complex sample lies in bytes: I, then Q. */
export interface SampleFormat {
  /** Of I and Q together. */
  readonly bytes: number
  /** Between two neighbouring values of I, full scale being 1; 0 where there are no steps. */
  readonly step: number
  /** Fills `out` with I, Q, I, Q … in [-1, 1] from bytes whose buffer begins with them. */
  readonly read: (bytes: Uint8Array, out: Float64Array) => void
}

/** Of the names that SigMF (core:datatype) and rtl_433 give them, the latter; little-endian. */
export const SAMPLE_FORMATS = {
  // The middle of what an RTL2832U sends lies between two steps.
  cu8: {
    bytes: 2,
    step: 1 / 128,
    read: (bytes, out) => {
      for (let at = 0; at < out.length; at++) out[at] = ((bytes[at] ?? 0) - 127.5) / 128
    },
  },
  cs8: {
    bytes: 2,
    step: 1 / 128,
    read: (bytes, out) => {
      const values = new Int8Array(bytes.buffer, bytes.byteOffset, out.length)
      for (let at = 0; at < out.length; at++) out[at] = (values[at] ?? 0) / 128
    },
  },
  cs16: {
    bytes: 4,
    step: 1 / 32_768,
    read: (bytes, out) => {
      const values = new Int16Array(bytes.buffer, bytes.byteOffset, out.length)
      for (let at = 0; at < out.length; at++) out[at] = (values[at] ?? 0) / 32_768
    },
  },
  cf32: {
    bytes: 8,
    step: 0,
    read: (bytes, out) => {
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, out.length)
      for (let at = 0; at < out.length; at++) out[at] = values[at] ?? 0
    },
  },
} as const satisfies Readonly<Record<string, SampleFormat>>

export type SampleFormatName = keyof typeof SAMPLE_FORMATS

/** All boards that Node runs on; views of words depend on it. */
if (endianness() !== 'LE') throw new Error('samples are read on little-endian machines only')

export function isSampleFormat(name: string): name is SampleFormatName {
  return Object.hasOwn(SAMPLE_FORMATS, name)
}

/** What a file is called after: capture.cu8, capture.cs16.gz. Undefined for other endings. */
export function formatOfName(path: string): SampleFormatName | undefined {
  const ending = path.replace(/\.gz$/, '').split('.').at(-1) ?? ''
  return isSampleFormat(ending) ? ending : undefined
}
