import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { cameraAskedOf } from '../../../agent/camera/camera-asked.ts'
import { camera } from '../../../config/camera-schema.ts'
import { ROOT } from '../../support/root.ts'

const OF = (more: object) => camera.safeParse({ kind: 'camera', id: 'road', ...more })

function problems(more: object): string[] {
  const { error } = OF(more)
  return error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? []
}

describe('the configuration of a camera', () => {
  test.each([
    [{ source: 'v4l2' }, ['device is needed by v4l2']],
    [{ source: 'rtsp' }, ['url is needed by rtsp']],
    [{ source: 'file' }, ['path is needed by file']],
    [{ source: 'rpicam', device: '/dev/video0' }, ['device is no key of rpicam']],
    [{ source: 'file', path: 'a.mp4', captureWidth: 64 }, ['captureWidth is no key of file']],
    [
      { source: 'jetson', captureWidth: 1000 },
      ['captureWidth must be a multiple of 64 with jetson'],
    ],
    [
      { source: 'rtsp', url: 'http://cam/1' },
      ['url must be rtsp://host:port/path or rtsps://…, without user and password'],
    ],
    [
      { source: 'rtsp', url: 'rtsp://viewer:secret@cam/1' },
      ['url must be rtsp://host:port/path or rtsps://…, without user and password'],
    ],
  ])('%j is refused', (more, expected) => {
    expect(problems(more)).toEqual(expected)
  })

  test('asks for what the keys say, and for the usual where they say nothing', () => {
    const { data } = OF({ source: 'v4l2', device: '/dev/video0', colour: 'rgb', captureWidth: 800 })
    expect(data && cameraAskedOf(data)).toEqual({
      source: {
        from: 'v4l2',
        device: '/dev/video0',
        capture: { width: 800, height: 480 },
        inputFormat: undefined,
      },
      image: { width: 64, height: 48, colour: 'rgb', element: 'uint8' },
      imagesPerSecond: 10,
      frozenPeriods: 50,
    })
  })

  test.each([
    [{ source: 'rpicam' }, { from: 'rpicam', camera: 0, capture: { width: 640, height: 480 } }],
    [
      { source: 'jetson', camera: 1, captureWidth: 1280, captureHeight: 720 },
      { from: 'jetson', camera: 1, capture: { width: 1280, height: 720 } },
    ],
    [
      { source: 'file', path: '/srv/a.mp4' },
      { from: 'file', path: '/srv/a.mp4', speed: 1 },
    ],
    [
      { source: 'rtsp', url: 'rtsps://cam/1', username: 'viewer', password: 'secret' },
      { from: 'rtsp', url: 'rtsps://cam/1', username: 'viewer', password: 'secret' },
    ],
  ])('%j is a source', (more, source) => {
    const { data } = OF(more)
    expect(data && cameraAskedOf(data).source).toEqual(source)
  })

  test('is in the how-to as it may be', () => {
    const page = readFileSync(join(ROOT, 'docs/how-to/use-a-camera.md'), 'utf8')
    const blocks = [...page.matchAll(/^```yaml\n(sensors:[\s\S]*?)^```$/gm)]
    const entries = blocks.map(([, block = '']) => parse(block).sensors[0])
    expect(entries.map(({ source }) => source)).toEqual(camera.shape.source.options)
    for (const entry of entries) expect(camera.parse(entry).id).toBe(entry.id)
  })
})
