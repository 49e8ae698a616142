/** Where the pictures come from, with just what that source needs. */
export type CameraSource =
  | {
      readonly from: 'v4l2'
      readonly device: string
      readonly capture: CaptureSize
      /** As ffmpeg names it, e.g. mjpeg: many cameras are fast in that one only. */
      readonly inputFormat?: string | undefined
    }
  | {
      readonly from: 'rtsp'
      /** Without user and password. */
      readonly url: string
      readonly username?: string | undefined
      readonly password?: string | undefined
    }
  | { readonly from: 'rpicam'; readonly camera: number; readonly capture: CaptureSize }
  | { readonly from: 'jetson'; readonly camera: number; readonly capture: CaptureSize }
  | {
      readonly from: 'file'
      readonly path: string
      /** Of the pace at which it was recorded; null as fast as it is taken. */
      readonly speed: number | null
    }

export interface CaptureSize {
  readonly width: number
  readonly height: number
}

/** What becomes of a picture: the row that models learn from. */
export interface ImageForm {
  readonly width: number
  readonly height: number
  readonly colour: 'grey' | 'rgb'
  /** uint8 is 0 to 255, float32 is 0 to 1. */
  readonly element: 'uint8' | 'float32'
}

/** The device, address or file in a message: never with a password. */
export function sourceText(source: CameraSource): string {
  switch (source.from) {
    case 'v4l2':
      return source.device
    case 'rtsp':
      return source.url
    case 'rpicam':
      return `camera ${source.camera} of the Raspberry Pi`
    case 'jetson':
      return `CSI camera ${source.camera} of the Jetson`
    case 'file':
      return source.path
  }
}
