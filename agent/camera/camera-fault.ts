import { type CameraSource, sourceText } from './camera-source.ts'
import type { StageEnd } from './stage-chain.ts'

/** Why a camera gives no pictures. */
export type FaultKind =
  | 'taken'
  | 'absent'
  | 'forbidden'
  | 'not-a-camera'
  | 'unsupported'
  | 'refused'
  | 'no-program'
  | 'frozen'
  | 'silent'
  | 'ended'

/** A state of a camera, and no error: what is the matter, and the command or act that mends it. */
export interface CameraFault {
  readonly kind: FaultKind
  readonly reason: string
  readonly remedy: string
}

export function faultText({ reason, remedy }: CameraFault): string {
  return `${reason}. ${remedy}`
}

/** What must be known of the machine to name the command that mends a fault. */
export interface FaultPlace {
  /** User of this process. */
  readonly user: string
  /** Group that may read the device or file. */
  readonly group?: string | undefined
  /** Programs that have the device open, as far as this user may see them. */
  readonly holders?: readonly { readonly pid: number; readonly name: string }[]
}

/** What the programs write, the more certain first. Versions differ in words around these. */
const PATTERNS: readonly (readonly [FaultKind, RegExp])[] = [
  ['no-program', /no element "(nvarguscamerasrc|nvvidconv)"/],
  ['taken', /Device or resource busy|in use by another process|Failed to create CaptureSession/],
  ['forbidden', /Permission denied|Operation not permitted/],
  ['refused', /40[13] (Unauthorized|Forbidden)|authorization failed|access denied/i],
  [
    'not-a-camera',
    /Inappropriate ioctl|Not a video capture device|Invalid data found|matches no streams/,
  ],
  ['absent', /No such (file or directory|device)|no cameras available|No cameras? available/i],
  ['absent', /404 (Stream )?Not Found|Connection refused|No route to host|Network is unreachable/i],
  ['absent', /Connection timed out|Name or service not known|Failed to resolve hostname/i],
  ['unsupported', /Cannot find a proper format|VIDIOC_(S_FMT|S_PARM|STREAMON)|not-negotiated/],
]

/** What ended programs say about why there is no camera any more. Pure. */
export function faultOfEnd(
  source: CameraSource,
  ends: readonly StageEnd[],
  place: FaultPlace,
): CameraFault {
  const lines = ends.flatMap(end => end.lines).map(line => withoutPassword(line, source))
  for (const [kind, pattern] of PATTERNS) {
    const line = lines.findLast(text => pattern.test(text))
    if (line !== undefined) return faultOf(kind, source, { place, said: line })
  }
  return faultOf('ended', source, { place, said: endText(ends, source) })
}

export function faultOf(
  kind: FaultKind,
  source: CameraSource,
  { place, said = '' }: { readonly place: FaultPlace; readonly said?: string },
): CameraFault {
  return {
    kind,
    reason: REASONS[kind](sourceText(source), unprefixed(said), place),
    remedy: REMEDIES[kind](source, place),
  }
}

type Reason = (what: string, said: string, place: FaultPlace) => string

const REASONS: Readonly<Record<FaultKind, Reason>> = {
  taken: (what, _, { holders = [] }) =>
    holders.length > 0
      ? `${what} is used by ${holders.map(({ name, pid }) => `${name} (process ${pid})`).join(', ')}`
      : `${what} is used by another program`,
  absent: (what, said) => `${what} is not there${inBrackets(said)}`,
  forbidden: (what, _, { user }) => `the user ${user} may not open ${what}`,
  'not-a-camera': (what, said) => `${what} gives no video${inBrackets(said)}`,
  unsupported: (what, said) => `${what} does not take these settings${inBrackets(said)}`,
  refused: (what, said) => `${what} refuses us${inBrackets(said)}`,
  'no-program': (what, said) => `no program reads ${what}${inBrackets(said)}`,
  frozen: (what, said) => `${what} is frozen: ${said}`,
  silent: (what, said) => `${what} is silent: ${said}`,
  ended: (what, said) => `the program that reads ${what} ended ${said}`,
}

type Remedy = (source: CameraSource, place: FaultPlace) => string

const AGAIN = 'It is started again by itself'

const REMEDIES: Readonly<Record<FaultKind, Remedy>> = {
  taken: (source, { holders = [] }) => {
    if (source.from === 'jetson') return 'Run: sudo systemctl restart nvargus-daemon'
    if (holders.length > 0) return `Run: sudo kill ${holders.map(({ pid }) => pid).join(' ')}`
    return `See who has it: sudo fuser -v ${source.from === 'v4l2' ? source.device : '/dev/media*'}`
  },
  absent: source => ABSENT_REMEDIES[source.from],
  forbidden: (source, { user, group = 'video' }) =>
    source.from === 'file'
      ? `Run: sudo setfacl -m u:${user}:r '${source.path}'`
      : `Run: sudo usermod -aG ${group} ${user}; then start the agent anew`,
  'not-a-camera': source =>
    source.from === 'v4l2'
      ? 'See which devices give video: gainnet measure sensors'
      : 'Check with: ffprobe and the same path or address',
  unsupported: source =>
    source.from === 'v4l2'
      ? `See what it takes: ffmpeg -f v4l2 -list_formats all -i ${source.device}`
      : 'Take another captureWidth, captureHeight or imagesPerSecond',
  refused: () => 'Check username and password of the sensor in the configuration',
  'no-program': source => PROGRAM_REMEDIES[source.from],
  frozen: () =>
    `${AGAIN}. Where nothing moves for so long, raise frozenPeriods; else take its power away shortly`,
  silent: () => `${AGAIN}. If that does not help, check cable and power`,
  ended: () => AGAIN,
}

const ABSENT_REMEDIES: Readonly<Record<CameraSource['from'], string>> = {
  v4l2: 'Plug it in; what is there: gainnet measure sensors',
  rtsp: 'Check host, port and path of the url, and that the camera is on',
  rpicam: 'Check its ribbon cable, then run: rpicam-hello --list-cameras',
  jetson: 'Check its ribbon cable, then run: sudo systemctl restart nvargus-daemon',
  file: 'Check the path of the sensor in the configuration',
}

const PROGRAM_REMEDIES: Readonly<Record<CameraSource['from'], string>> = {
  v4l2: 'Run: sudo apt-get install ffmpeg',
  rtsp: 'Run: sudo apt-get install ffmpeg',
  file: 'Run: sudo apt-get install ffmpeg',
  rpicam: 'Run: sudo apt-get install rpicam-apps ffmpeg',
  jetson: 'Run: sudo apt-get install gstreamer1.0-tools nvidia-l4t-gstreamer ffmpeg',
}

function inBrackets(said: string): string {
  return said === '' ? '' : ` (${said})`
}

/** `[rtsp @ 0x55…] [error] ` in front of what ffmpeg says. */
function unprefixed(line: string): string {
  return line.replace(/^(\[[^\]]*\] ?)+/, '').slice(0, 200)
}

/** ffmpeg repeats the address that it was given. */
function withoutPassword(line: string, source: CameraSource): string {
  if (source.from !== 'rtsp' || source.username === undefined) return line
  return line.replaceAll(/(rtsps?:\/\/)[^@/\s]*@/g, '$1')
}

function endText(ends: readonly StageEnd[], source: CameraSource): string {
  // What ended by itself, and not because the others had ended.
  const first = ends.find(({ wasAsked }) => !wasAsked) ?? ends.at(-1)
  const how = first?.signal ? `by ${first.signal}` : `with code ${first?.code ?? 'unknown'}`
  const error = first?.lines.findLast(line => /\[(error|fatal)\]|ERROR/.test(line))
  return error === undefined ? how : `${how}, ${unprefixed(withoutPassword(error, source))}`
}
