import type { RowForm } from '../../protocol/row-form.ts'
import type { ImageForm } from './camera-source.ts'

/** Channels first, as convolutions of ONNX take pictures: [C, H, W], and red before green before blue. */
export function rowFormOf({ element, colour, height, width }: ImageForm): RowForm {
  return { element, shape: [channelsOf(colour), height, width] }
}

/** What ffmpeg sends: a byte for each value. */
export function pixelBytesOf({ colour, height, width }: ImageForm): number {
  return channelsOf(colour) * height * width
}

/** Where its first byte belongs: ffmpeg sends the planes as green, blue, red (gbrp). */
export function firstPlaceOf({ colour, height, width }: ImageForm): number {
  return colour === 'grey' ? 0 : height * width
}

/**
 * Makes a row of the bytes of a picture; it is valid until the next call. To floats here and not in
 * ffmpeg, whose gbrpf32 is not quite byte / 255, and four times as much would cross the pipe.
 */
export function rowMaker(image: ImageForm): (pixels: Uint8Array) => Uint8Array {
  if (image.element === 'uint8') return pixels => pixels
  const values = new Float32Array(pixelBytesOf(image))
  const row = new Uint8Array(values.buffer)
  return pixels => {
    for (let at = 0; at < pixels.length; at++) values[at] = (pixels[at] ?? 0) / 255
    return row
  }
}

function channelsOf(colour: ImageForm['colour']): number {
  return colour === 'grey' ? 1 : 3
}
