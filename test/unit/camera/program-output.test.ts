import { describe, expect, test } from 'vitest'
import { LineTail } from '../../../agent/camera/line-tail.ts'
import { parseVideoStream } from '../../../agent/camera/video-stream.ts'

describe('what ffmpeg says of a stream', () => {
  test.each([
    [
      '[info]   Stream #0:0[0x1](eng): Video: h264 (Baseline) (avc1 / 0x31637661), yuv420p(tv, smpte170m, progressive), 768x432, 614 kb/s, 12.50 fps, 12.50 tbr, 25k tbn (default)',
      { codec: 'h264', pixelFormat: 'yuv420p', width: 768, height: 432, imagesPerSecond: 12.5 },
    ],
    [
      '[info]   Stream #0:0: Video: rawvideo (YUY2 / 0x32595559), yuyv422, 640x480, 147456 kb/s, 30 fps, 30 tbr, 1000k tbn',
      { codec: 'rawvideo', pixelFormat: 'yuyv422', width: 640, height: 480, imagesPerSecond: 30 },
    ],
    [
      '    Stream #0:0: Video: mjpeg (Baseline), yuvj422p(pc, bt470bg/unknown/unknown), 1280x720 [SAR 1:1 DAR 16:9], 25 tbr, 90k tbn',
      { codec: 'mjpeg', pixelFormat: 'yuvj422p', width: 1280, height: 720 },
    ],
  ])('%s', (line, stream) => {
    expect(parseVideoStream(line)).toEqual(stream)
  })

  test.each(['', '[info]   Stream #0:1: Audio: aac (LC), 48000 Hz, stereo', '[error] Video: none'])(
    'is nothing in "%s"',
    line => {
      expect(parseVideoStream(line)).toBeUndefined()
    },
  )
})

describe('the lines of a program', () => {
  test('are kept to the last ones, however they are cut, and counted', () => {
    const seen: string[] = []
    const tail = new LineTail({ linesMax: 2, onLine: line => seen.push(line) })
    for (const text of ['on', 'e\ntwo\r\n\nthr', 'ee\nfo', 'ur']) tail.push(text)
    expect(seen).toEqual(['one', 'two', 'three'])
    expect(tail.lines).toEqual(['two', 'three', 'four'])
    expect(tail.count).toBe(3)
  })

  test('never fill the memory: without an end, or without end', () => {
    const tail = new LineTail({ linesMax: 3 })
    for (let count = 0; count < 1000; count++) tail.push('x'.repeat(1000))
    for (let count = 0; count < 1000; count++) tail.push(`${'y'.repeat(1000)}\n`)
    expect(tail.lines.join('').length).toBeLessThanOrEqual(4 * 500)
  })
})
