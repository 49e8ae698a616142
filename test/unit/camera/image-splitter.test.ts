import { describe, expect, test } from 'vitest'
import { firstPlaceOf, rowMaker } from '../../../agent/camera/image-row.ts'
import { ImageSplitter } from '../../../agent/camera/image-splitter.ts'

/** The pictures that come of the bytes, handed over in pieces of that size. */
function split(
  bytes: readonly number[],
  o: { imageBytes: number; firstAt?: number; piece: number },
) {
  const { imageBytes, firstAt = 0, piece } = o
  const images: { bytes: number[]; isSame: boolean }[] = []
  const onImage = (image: Uint8Array, isSame: boolean): void => {
    images.push({ bytes: [...image], isSame })
  }
  const splitter = new ImageSplitter({ imageBytes, firstAt, onImage })
  for (let at = 0; at < bytes.length; at += piece) {
    splitter.push(Uint8Array.from(bytes.slice(at, at + piece)))
  }
  return images
}

describe('bytes of ffmpeg', () => {
  test.each([1, 2, 3, 4, 7, 100])('in pieces of %d are cut into whole pictures', piece => {
    expect(split([1, 2, 3, 4, 5, 6, 7], { imageBytes: 3, piece })).toEqual([
      { bytes: [1, 2, 3], isSame: false },
      { bytes: [4, 5, 6], isSame: false },
    ])
  })

  test('say when a picture is that before, and never of the first', () => {
    const images = split([0, 0, 0, 0, 0, 0, 0, 1, 0, 1], { imageBytes: 2, piece: 3 })
    expect(images.map(({ isSame }) => isSame)).toEqual([false, true, true, false, true])
  })

  test.each([1, 2, 4, 5, 100])('in planes, %d at a time, become red, green, blue', piece => {
    const rgb = { width: 2, height: 1, colour: 'rgb', element: 'uint8' } as const
    const [green, blue, red] = [
      [20, 21],
      [30, 31],
      [10, 11],
    ] as const
    const [image] = split([...green, ...blue, ...red], {
      imageBytes: 6,
      firstAt: firstPlaceOf(rgb),
      piece,
    })
    expect(image?.bytes).toEqual([...red, ...green, ...blue])
  })

  test('become floats from 0 to 1, little endian', () => {
    const toRow = rowMaker({ width: 3, height: 1, colour: 'grey', element: 'float32' })
    const view = Buffer.from(toRow(Uint8Array.of(0, 51, 255)))
    expect([0, 4, 8].map(at => view.readFloatLE(at))).toEqual([0, Math.fround(0.2), 1])
  })
})
