/** What a camera really gives, as ffmpeg found it. */
export interface VideoStream {
  readonly codec: string
  readonly pixelFormat: string
  readonly width: number
  readonly height: number
  /** As the source states it; absent where it states none. */
  readonly imagesPerSecond?: number
}

/** `Stream #0:0[0x1](eng): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 768x432, 25 fps` */
const STREAM =
  /Stream #0:\d+.*?: Video: (\w+)(?: \([^)]*\))*, (\w+)(?:\([^)]*\))?, (\d+)x(\d+)(?:.*?, ([\d.]+) fps)?/

/** The first line of ffmpeg's that describes a stream is of its input; undefined for other lines. */
export function parseVideoStream(line: string): VideoStream | undefined {
  const [, codec, pixelFormat, width, height, rate] = STREAM.exec(line) ?? []
  if (codec === undefined || pixelFormat === undefined) return undefined
  return {
    codec,
    pixelFormat,
    width: Number(width),
    height: Number(height),
    ...(rate === undefined ? {} : { imagesPerSecond: Number(rate) }),
  }
}
