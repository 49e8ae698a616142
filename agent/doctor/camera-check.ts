import { cameraAskedOf } from '../camera/camera-asked.ts'
import { cameraStages } from '../camera/camera-command.ts'
import { faultOf } from '../camera/camera-fault.ts'
import { readDeviceFormats } from '../camera/device-formats.ts'
import { holdersOf, placeOf } from '../camera/device-place.ts'
import { findProgram } from '../camera/find-program.ts'
import { plainFault } from '../camera/source-check.ts'
import { listVideoDevices, type VideoDevice } from '../camera/video-devices.ts'
import {
  absent,
  type Check,
  type DoctorContext,
  type Finding,
  fault,
  ok,
  warning,
} from './check.ts'
import { accessFinding } from './device-access.ts'

/** Cameras of this board, whether they are configured or not, and what configured ones lack. */
export const cameraCheck: Check = {
  name: 'cameras',
  durationMsMax: 20_000,
  async run(context) {
    const devices = await listVideoDevices(context.roots)
    const findings = devices.map(device => deviceFindings(device, context))
    const configured = context.config.sensors.map(sensor => configuredFindings(sensor))
    const all = (await Promise.all([...findings, ...configured])).flat()
    return all.length > 0 ? all : [absent('no V4L2 device, and no camera is configured')]
  },
}

async function deviceFindings(device: VideoDevice, context: DoctorContext): Promise<Finding[]> {
  const { path, name } = device
  const formats = await readDeviceFormats(path)
  if (!formats) return [absent(`${path} (${name}) gives no pictures`)]
  const groupCommand = `sudo chgrp video ${path} && sudo chmod 0660 ${path}`
  const given = formats.map(format => `${format.name} ${format.sizes.join(' ')}`)
  return [
    await accessFinding({ path, what: 'camera', groupCommand }, context),
    ok(`${path} (${name}) gives ${given.join(', ')}`.slice(0, 300)),
    ...holdersOf(path, context.roots.procRoot).map(holder => holderFinding(path, holder)),
  ]
}

/** The agent's own ffmpeg holds the camera while the agent runs. */
function holderFinding(path: string, holder: { readonly pid: number; readonly name: string }) {
  const text = `${path} is used by ${holder.name} (process ${holder.pid})`
  return holder.name === 'ffmpeg' ? ok(text) : warning(text, `sudo kill ${holder.pid}`)
}

async function configuredFindings(
  config: DoctorContext['config']['sensors'][number],
): Promise<Finding[]> {
  if (config.kind !== 'camera') return []
  const { source, image, imagesPerSecond } = cameraAskedOf(config)
  const missing = cameraStages(source, image, imagesPerSecond).find(
    ({ programs }) => findProgram(programs) === undefined,
  )
  const found = missing
    ? faultOf('no-program', source, {
        place: placeOf(undefined),
        said: `there is no ${missing.programs[0]}`,
      })
    : await plainFault(source)
  if (!found) return [ok(`camera ${config.id}: nothing stands against it`)]
  return [fault(`camera ${config.id}: ${found.reason}`, found.remedy)]
}
