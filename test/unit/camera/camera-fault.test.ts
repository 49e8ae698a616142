import { describe, expect, test } from 'vitest'
import { faultOfEnd, faultText } from '../../../agent/camera/camera-fault.ts'
import type { CameraSource } from '../../../agent/camera/camera-source.ts'
import type { StageEnd } from '../../../agent/camera/stage-chain.ts'

const CAPTURE = { width: 640, height: 480 }
const V4L2: CameraSource = { from: 'v4l2', device: '/dev/video0', capture: CAPTURE }
const RTSP: CameraSource = {
  from: 'rtsp',
  url: 'rtsp://cam/1',
  username: 'viewer',
  password: 'secret',
}
const PI: CameraSource = { from: 'rpicam', camera: 0, capture: CAPTURE }
const JETSON: CameraSource = { from: 'jetson', camera: 0, capture: CAPTURE }
const FILE: CameraSource = { from: 'file', path: '/srv/a.mp4', speed: 1 }
const PLACE = { user: 'gainnet', group: 'video', holders: [] }

function ended(...lines: string[]): StageEnd {
  return { program: '/usr/bin/ffmpeg', code: 1, signal: null, wasAsked: false, lines }
}

/** As the programs wrote it, here and in reports of their users; then the state and what mends it. */
const SAID: readonly (readonly [CameraSource, string, string, RegExp])[] = [
  [V4L2, '[error] /dev/video0: Device or resource busy', 'taken', /sudo fuser -v \/dev\/video0/],
  [
    V4L2,
    '[video4linux2,v4l2 @ 0x55] [error] ioctl(VIDIOC_STREAMON): Device or resource busy',
    'taken',
    /used by another program/,
  ],
  [
    V4L2,
    '[video4linux2,v4l2 @ 0x55] [error] Cannot open video device /dev/video0: Permission denied',
    'forbidden',
    /user gainnet may not open \/dev\/video0\. Run: sudo usermod -aG video gainnet/,
  ],
  [
    V4L2,
    '[video4linux2,v4l2 @ 0x55] [error] ioctl(VIDIOC_DQBUF): No such device',
    'absent',
    /Plug it in/,
  ],
  [
    V4L2,
    "[video4linux2,v4l2 @ 0x55] [error] Cannot find a proper format for codec 'mjpeg'",
    'unsupported',
    /-list_formats all -i \/dev\/video0/,
  ],
  [V4L2, '[error] /dev/video0: Inappropriate ioctl for device', 'not-a-camera', /measure sensors/],
  [RTSP, '[rtsp @ 0x5] [error] method DESCRIBE failed: 401 Unauthorized', 'refused', /password/],
  [RTSP, '[rtsp @ 0x5] [error] method DESCRIBE failed: 404 Not Found', 'absent', /path of the url/],
  [RTSP, '[error] rtsp://viewer:secret@cam/1: Connection refused', 'absent', /rtsp:\/\/cam\/1/],
  [
    PI,
    '[0:19:06.4] [2746]  INFO Camera camera.cpp:839 Pipeline handler in use by another process',
    'taken',
    /fuser/,
  ],
  [PI, 'ERROR: *** no cameras available ***', 'absent', /rpicam-hello --list-cameras/],
  [
    JETSON,
    'WARNING: erroneous pipeline: no element "nvarguscamerasrc"',
    'no-program',
    /apt-get install .*nvidia-l4t-gstreamer/,
  ],
  [
    JETSON,
    'Error generated. gstnvarguscamerasrc.cpp, execute:751 No cameras available',
    'absent',
    /ribbon cable/,
  ],
  [
    JETSON,
    'gstnvarguscamerasrc.cpp, execute:656 Failed to create CaptureSession',
    'taken',
    /systemctl restart nvargus-daemon/,
  ],
  [FILE, '[error] /srv/a.mp4: Invalid data found when processing input', 'not-a-camera', /ffprobe/],
  [FILE, '[error] something that nobody has seen', 'ended', /with code 1, something that nobody/],
]

describe('what programs say when there is no camera', () => {
  test.each(SAID)('%o: %s is %s', (source, line, kind, words) => {
    const fault = faultOfEnd(source, [ended('[info] Input #0', line, '')], PLACE)
    expect(fault.kind).toBe(kind)
    expect(faultText(fault)).toMatch(words)
    expect(faultText(fault)).not.toContain('secret')
  })

  test('names who has the camera, and the command that ends them', () => {
    const holders = [
      { pid: 812, name: 'motion' },
      { pid: 900, name: 'cheese' },
    ]
    const end = ended('[error] /dev/video0: Device or resource busy')
    expect(faultText(faultOfEnd(V4L2, [end], { ...PLACE, holders }))).toBe(
      '/dev/video0 is used by motion (process 812), cheese (process 900). Run: sudo kill 812 900',
    )
  })

  test('takes the reason of the program that failed, and not of the one that was ended then', () => {
    const camera = { ...ended('ERROR: *** no cameras available ***'), program: 'rpicam-vid' }
    const ffmpeg = { ...ended('[error] pipe:0: Invalid argument'), wasAsked: true }
    expect(faultOfEnd(PI, [camera, ffmpeg], PLACE).kind).toBe('absent')
    const killed: StageEnd = { ...ended(), code: null, signal: 'SIGKILL' }
    expect(faultOfEnd(PI, [ffmpeg, killed], PLACE).reason).toMatch(/ended by SIGKILL$/)
  })
})
