import { describe, expect, test } from 'vitest'
import { cameraCheck } from '../../../agent/doctor/camera-check.ts'
import { AgentConfig } from '../../../config/agent-schema.ts'
import { canFilm, ROAD_VIDEO } from '../../support/cameras.ts'
import { contextOf, machineTree } from './machine-tree.ts'

function configWith(...sensors: readonly object[]): AgentConfig {
  return AgentConfig.parse({ agentId: 'pi-04', stateDirectory: '/var/lib/gainnet', sensors })
}

describe('cameras', () => {
  test('are absent where there is no device and none is configured', async () => {
    expect(await cameraCheck.run(contextOf({}))).toEqual([
      { outcome: 'absent', text: 'no V4L2 device, and no camera is configured' },
    ])
  })

  test('that give no pictures are named, and are no fault', async () => {
    const roots = machineTree({
      'sys/class/video4linux/video10/name': 'bcm2835-codec-decode\n',
      'dev/video10': '',
    })
    expect(await cameraCheck.run(contextOf({ roots }))).toMatchObject([
      {
        outcome: 'absent',
        text: expect.stringMatching(/video10 \(bcm2835-codec-decode\) gives no/),
      },
    ])
  })

  test.skipIf(!canFilm)('that are configured are looked at, each with what mends it', async () => {
    const config = configWith(
      { kind: 'camera', id: 'road', source: 'file', path: ROAD_VIDEO },
      { kind: 'camera', id: 'gone', source: 'v4l2', device: '/dev/video63' },
      { kind: 'camera', id: 'far', source: 'rtsp', url: 'rtsp://127.0.0.1:1/x' },
    )
    expect(await cameraCheck.run(contextOf({ config }))).toMatchObject([
      { outcome: 'ok', text: 'camera road: nothing stands against it' },
      { outcome: 'fault', text: 'camera gone: /dev/video63 is not there' },
      {
        outcome: 'fault',
        remedy: 'Check host, port and path of the url, and that the camera is on',
      },
    ])
  })
})
