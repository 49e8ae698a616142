import type { AgentConfig } from '../../config/agent-schema.ts'
import type { CameraSource, ImageForm } from './camera-source.ts'

/** What is asked of a camera. */
export interface CameraAsked {
  readonly source: CameraSource
  readonly image: ImageForm
  readonly imagesPerSecond: number
  /** Pictures in a row without any change, after which a camera counts as frozen. */
  readonly frozenPeriods: number
}

type CameraConfig = Extract<AgentConfig['sensors'][number], { kind: 'camera' }>

/** From keys side by side, as people write them, to the few that a source has. */
export function cameraAskedOf(config: CameraConfig): CameraAsked {
  const { width, height, colour, element, imagesPerSecond, frozenPeriods } = config
  const image = { width, height, colour, element }
  return { source: sourceOf(config), image, imagesPerSecond, frozenPeriods }
}

/** The schema has seen to it that a source has what it needs. */
function sourceOf(config: CameraConfig): CameraSource {
  const { device = '', inputFormat, url = '', username, password, path = '', speed = 1 } = config
  const { camera = 0, captureWidth: width = 640, captureHeight: height = 480 } = config
  const capture = { width, height }
  switch (config.source) {
    case 'v4l2':
      return { from: 'v4l2', device, capture, inputFormat }
    case 'rtsp':
      return { from: 'rtsp', url, username, password }
    case 'rpicam':
      return { from: 'rpicam', camera, capture }
    case 'jetson':
      return { from: 'jetson', camera, capture }
    case 'file':
      return { from: 'file', path, speed }
  }
}
