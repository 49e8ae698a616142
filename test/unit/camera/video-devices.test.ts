import { mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseDeviceFormats } from '../../../agent/camera/device-formats.ts'
import { holdersOf, placeOf } from '../../../agent/camera/device-place.ts'
import { listVideoDevices } from '../../../agent/camera/video-devices.ts'
import { temporaryDirectory } from '../../support/directories.ts'

/** /sys and /dev of a board with one USB camera, which has two nodes, and a decoder. */
function board() {
  const root = temporaryDirectory()
  const [sysRoot, devRoot] = [join(root, 'sys'), join(root, 'dev')]
  const nodes = [
    { node: 'video0', name: 'HD Webcam C270: HD Webcam C270', index: 0 },
    { node: 'video1', name: 'HD Webcam C270: HD Webcam C270', index: 1 },
    { node: 'video10', name: 'bcm2835-codec-decode', index: 0 },
  ]
  for (const { node, name, index } of nodes) {
    const folder = join(sysRoot, 'class/video4linux', node)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'name'), `${name}\n`)
    writeFileSync(join(folder, 'index'), `${index}\n`)
  }
  mkdirSync(join(sysRoot, 'class/video4linux/v4l-subdev0'))
  for (const [kind, link] of [
    ['by-path', 'platform-usb-0:1.2:1.0-video-index0'],
    ['by-id', 'usb-046d_HD_Webcam_C270-video-index0'],
  ] as const) {
    mkdirSync(join(devRoot, 'v4l', kind), { recursive: true })
    symlinkSync('../../video0', join(devRoot, 'v4l', kind, link))
  }
  return { sysRoot, devRoot }
}

describe('the video devices of a board', () => {
  test('are listed by number, with the name that stays', async () => {
    const { sysRoot, devRoot } = board()
    const name = 'HD Webcam C270: HD Webcam C270'
    expect(await listVideoDevices({ sysRoot, devRoot })).toEqual([
      {
        path: join(devRoot, 'video0'),
        name,
        index: 0,
        stablePath: join(devRoot, 'v4l/by-id/usb-046d_HD_Webcam_C270-video-index0'),
      },
      { path: join(devRoot, 'video1'), name, index: 1 },
      { path: join(devRoot, 'video10'), name: 'bcm2835-codec-decode', index: 0 },
    ])
  })

  test('are none where the kernel has no V4L2', async () => {
    const nowhere = join(temporaryDirectory(), 'nothing')
    expect(await listVideoDevices({ sysRoot: nowhere, devRoot: nowhere })).toEqual([])
  })

  test('say their formats as ffmpeg lists them', () => {
    // Of a USB camera (github.com/mpromonet/v4l2rtspserver, issue 177), of the kernel's vivid and of a
    // device with ranges.
    const text = `
[video4linux2,v4l2 @ 0x105d1c0] Compressed:       mjpeg :          Motion-JPEG : 2592x1944 1280x960 640x480
[video4linux2,v4l2 @ 0x105d1c0] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 320x240
[video4linux2,v4l2 @ 0x105d1c0] Raw       :     yuv420p :     Planar YUV 4:2:0 : {32-2592, 2}x{32-1944, 2}
[video4linux2,v4l2 @ 0x557a2c7bff80] Raw       : Unsupported :  32-bit XHSV 8-8-8-8 : 320x180 640x360
/dev/video0: Immediate exit requested`
    expect(parseDeviceFormats(text)).toEqual([
      { name: 'mjpeg', isCompressed: true, sizes: ['2592x1944', '1280x960', '640x480'] },
      { name: 'yuyv422', isCompressed: false, sizes: ['640x480', '320x240'] },
      { name: 'yuv420p', isCompressed: false, sizes: ['{32-2592, 2}x{32-1944, 2}'] },
    ])
    expect(parseDeviceFormats('/dev/video0: Inappropriate ioctl for device')).toEqual([])
  })

  test('tell which programs have them open', () => {
    const folder = temporaryDirectory()
    const [device, link] = [join(folder, 'video0'), join(folder, 'by-id')]
    writeFileSync(device, '')
    symlinkSync(device, link)
    expect(holdersOf(device)).toEqual([])
    openSync(device, 'r')
    expect(holdersOf(link).map(({ pid }) => pid)).toEqual([process.pid])
    expect(placeOf(link)).toMatchObject({ user: expect.any(String), group: expect.any(String) })
    expect(holdersOf(join(folder, 'gone'))).toEqual([])
  })
})
