import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { sharedFile } from './directories.ts'

export interface LabelledImages {
  /** [count, width], from 0 to 1. */
  readonly inputs: Float32Array
  readonly inputWidth: number
  readonly labels: Int32Array
}

/** A part of the shared Fashion-MNIST, in IDX files, or undefined where this machine has none. */
export function readFashionMnist(
  part: 'train10k' | 't2k',
  countMax = Number.POSITIVE_INFINITY,
): LabelledImages | undefined {
  const imageFile = sharedFile(`data/fashion-mnist/${part}-images-idx3-ubyte.gz`)
  const labelFile = sharedFile(`data/fashion-mnist/${part}-labels-idx1-ubyte.gz`)
  if (!imageFile || !labelFile) return undefined
  const [images, labels] = [imageFile, labelFile].map(file => gunzipSync(readFileSync(file)))
  if (images?.readUInt32BE(0) !== 2051 || labels?.readUInt32BE(0) !== 2049) {
    throw new RangeError(`${imageFile} and ${labelFile} are no IDX files of images and labels`)
  }
  const count = Math.min(images.readUInt32BE(4), countMax)
  const inputWidth = images.readUInt32BE(8) * images.readUInt32BE(12)
  const pixels = images.subarray(16, 16 + count * inputWidth)
  return {
    inputs: Float32Array.from(pixels, pixel => pixel / 255),
    inputWidth,
    labels: Int32Array.from(labels.subarray(8, 8 + count)),
  }
}
