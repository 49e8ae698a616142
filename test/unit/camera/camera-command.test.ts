import { describe, expect, test } from 'vitest'
import { cameraStages } from '../../../agent/camera/camera-command.ts'
import type { CameraSource, ImageForm } from '../../../agent/camera/camera-source.ts'

const GREY: ImageForm = { width: 64, height: 48, colour: 'grey', element: 'uint8' }
const CAPTURE = { width: 640, height: 480 }
const QUIET = '-nostdin -hide_banner -nostats -loglevel level+info -threads 1'

/** Each program with its arguments, apart from what all have: filters and output. */
function commands(source: CameraSource, imagesPerSecond = 10, image = GREY): string[] {
  return cameraStages(source, image, imagesPerSecond).map(({ programs, args }) =>
    `${programs.join('|')} ${args.join(' ')}`
      .replace(`${QUIET} `, '')
      .replace(/ -map 0:v:0 -filter_threads 1 -vf .*$/, ''),
  )
}

describe('the programs of a camera', () => {
  test('on V4L2: one ffmpeg that asks for size, rate and format', () => {
    const source = { from: 'v4l2', device: '/dev/video0', capture: CAPTURE } as const
    expect(commands(source)).toEqual([
      'ffmpeg -f v4l2 -framerate 10 -video_size 640x480 -i /dev/video0',
    ])
    expect(commands({ ...source, inputFormat: 'mjpeg' }, 0.5)).toEqual([
      'ffmpeg -f v4l2 -framerate 1 -video_size 640x480 -input_format mjpeg -i /dev/video0',
    ])
  })

  test('behind RTSP: TCP, and the password in the address alone, escaped', () => {
    const url = 'rtsp://10.0.0.7:554/stream2?channel=1'
    const common =
      '-rtsp_transport tcp -allowed_media_types video -fflags nobuffer -analyzeduration 500000'
    expect(commands({ from: 'rtsp', url })).toEqual([`ffmpeg ${common} -i ${url}`])
    const secured = { from: 'rtsp', url, username: 'viewer', password: 'p@ss:w/d' } as const
    expect(commands(secured)).toEqual([
      `ffmpeg ${common} -i rtsp://viewer:p%40ss%3Aw%2Fd@10.0.0.7:554/stream2?channel=1`,
    ])
  })

  test('of a Raspberry Pi: rpicam-vid, by its old name too, into ffmpeg', () => {
    expect(commands({ from: 'rpicam', camera: 1, capture: CAPTURE }, 12.5)).toEqual([
      'rpicam-vid|libcamera-vid --nopreview --timeout 0 --camera 1 --width 640 --height 480 ' +
        '--framerate 13 --codec yuv420 --flush --output -',
      'ffmpeg -use_wallclock_as_timestamps 1 -f rawvideo -pixel_format yuv420p ' +
        '-video_size 640x480 -framerate 13 -i pipe:0',
    ])
  })

  test('of a Jetson: a pipeline whose parts are arguments of their own, into ffmpeg', () => {
    const [gst, ffmpeg] = cameraStages({ from: 'jetson', camera: 0, capture: CAPTURE }, GREY, 15)
    expect(gst).toEqual({
      programs: ['gst-launch-1.0'],
      args: [
        '--quiet',
        ...['nvarguscamerasrc', 'sensor-id=0', '!'],
        ...['video/x-raw(memory:NVMM),framerate=15/1', '!'],
        ...['nvvidconv', '!'],
        ...['video/x-raw,format=I420,width=640,height=480', '!'],
        ...['fdsink', 'fd=1', 'sync=false'],
      ],
    })
    expect(ffmpeg?.args).toContain('yuv420p')
  })

  test('of a file: at its pace, slower, or as fast as it goes', () => {
    const file = { from: 'file', path: '/srv/a b; rm -rf.mp4' } as const
    expect(commands({ ...file, speed: 1 })).toEqual([
      'ffmpeg -re -stream_loop -1 -i /srv/a b; rm -rf.mp4',
    ])
    expect(commands({ ...file, speed: 0.5 })).toEqual([
      'ffmpeg -readrate 0.5 -stream_loop -1 -i /srv/a b; rm -rf.mp4',
    ])
    expect(commands({ ...file, speed: null })).toEqual([
      'ffmpeg -stream_loop -1 -i /srv/a b; rm -rf.mp4',
    ])
    const args = cameraStages({ ...file, speed: 1 }, GREY, 10)[0]?.args ?? []
    expect(args).toContain(file.path)
  })

  test('scales and converts in ffmpeg, and thins by the clock of the recording', () => {
    const filters = (image: ImageForm, speed: number): string => {
      const [stage] = cameraStages({ from: 'file', path: 'x', speed }, image, 10)
      const args = stage?.args ?? []
      return args[args.indexOf('-vf') + 1] ?? ''
    }
    expect(filters(GREY, 1)).toMatch(/^select='.*t\*10.*',setpts=N\/\(10\*TB\),scale=64:48:.*gray$/)
    expect(filters({ ...GREY, colour: 'rgb', element: 'float32' }, 2)).toMatch(/t\*5.*format=gbrp$/)
  })
})
