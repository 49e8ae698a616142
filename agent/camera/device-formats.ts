import { execFile } from 'node:child_process'
import { findProgram } from './find-program.ts'

/** One way in which a camera sends pictures. */
export interface DeviceFormat {
  /** As ffmpeg and `inputFormat` name it. */
  readonly name: string
  readonly isCompressed: boolean
  /** `640x480`, or a range as ffmpeg writes it: `{16-1920, 8}x{16-1080, 8}`. */
  readonly sizes: readonly string[]
}

/** A driver answers at once; one that hangs is not waited for. */
const MS_MAX = 5000
const OUTPUT_BYTES_MAX = 256 * 1024

/** What a V4L2 device can give; undefined where it gives no pictures or cannot be asked. */
export function readDeviceFormats(path: string): Promise<readonly DeviceFormat[] | undefined> {
  const program = findProgram(['ffmpeg'])
  if (program === undefined) return Promise.resolve(undefined)
  const args = ['-nostdin', '-hide_banner', '-f', 'v4l2', '-list_formats', 'all', '-i', path]
  const limits = { timeout: MS_MAX, maxBuffer: OUTPUT_BYTES_MAX }
  return new Promise(resolve => {
    // ffmpeg ends with an error, because it opens nothing: what it wrote tells.
    execFile(program, args, limits, (_, __, stderr) => {
      const formats = parseDeviceFormats(stderr)
      resolve(formats.length > 0 ? formats : undefined)
    })
  })
}

/** `[video4linux2 @ 0x5] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 320x240` */
const LINE = /\b(Raw|Compressed) *: +(\S+) : .* :((?: (?:\d+x\d+|\{[^}]*\}x\{[^}]*\}))+)/

export function parseDeviceFormats(text: string): DeviceFormat[] {
  return text.split('\n').flatMap(line => {
    const [, kind, name, sizes] = LINE.exec(line) ?? []
    const isUnknown = kind === undefined || name === undefined || name === 'Unsupported'
    if (isUnknown || sizes === undefined) return []
    return [{ name, isCompressed: kind === 'Compressed', sizes: sizesOf(sizes) }]
  })
}

function sizesOf(text: string): string[] {
  return text.match(/\d+x\d+|\{[^}]*\}x\{[^}]*\}/g) ?? []
}
