import { type DeviceFormat, readDeviceFormats } from '../camera/device-formats.ts'
import { listVideoDevices, type VideoDevice } from '../camera/video-devices.ts'
import type { Figure, Probe } from './probe.ts'

export type VideoDeviceReading = VideoDevice & { readonly formats: readonly DeviceFormat[] }

/** A handful of devices, each of which ffmpeg asks for tenths of a second. */
const DURATION_MS_MAX = 30_000

/** Which V4L2 devices there are and what they give, configured or not. */
export function videoDeviceProbe({ devRoot = '/dev' } = {}): Probe<readonly VideoDeviceReading[]> {
  return {
    name: 'video',
    durationMsMax: DURATION_MS_MAX,
    async read({ sysRoot }) {
      const devices = await listVideoDevices({ sysRoot, devRoot })
      if (devices.length === 0) {
        return { status: 'absent', reason: `no device in ${sysRoot}/class/video4linux` }
      }
      const values: VideoDeviceReading[] = []
      // One after the other: nodes of one camera may share what answers.
      for (const device of devices) {
        values.push({ ...device, formats: (await readDeviceFormats(device.path)) ?? [] })
      }
      const method = 'names by the kernel, formats as ffmpeg lists them'
      return { status: 'ok', values, figures: values.flatMap(figuresOf), method }
    },
  }
}

/** A line for the device, and one for each of its formats. */
function figuresOf({ path, stablePath, name, formats }: VideoDeviceReading): Figure[] {
  const what = formats.length === 0 ? `${name}, no pictures` : name
  return [
    { name: stablePath ?? path, value: what, unit: '' },
    ...formats.map(format => ({
      name: `  ${format.name}`,
      value: format.sizes.join(' '),
      unit: '',
    })),
  ]
}
