import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { withDeadline } from '../../runtime/deadline.ts'
import { errnoOf, messageOf } from '../../runtime/errors.ts'
import { type CameraFault, type FaultKind, faultOf } from './camera-fault.ts'
import type { CameraSource } from './camera-source.ts'
import { placeOf } from './device-place.ts'

/** A camera in the same network answers within some round trips. */
const CONNECT_MS_MAX = 2000
const RTSP_PORT = 554
const RTSPS_PORT = 322

/**
 * What is plainly the matter with a source, without starting a program: a lost camera is looked for
 * every few seconds, for days.
 */
export async function plainFault(source: CameraSource): Promise<CameraFault | undefined> {
  switch (source.from) {
    case 'v4l2':
      return pathFault(source, source.device)
    case 'file':
      return pathFault(source, source.path)
    case 'rtsp':
      return hostFault(source, source.url)
    default:
      return undefined
  }
}

const KINDS: Readonly<Record<string, FaultKind>> = { EACCES: 'forbidden', EPERM: 'forbidden' }

async function pathFault(source: CameraSource, path: string): Promise<CameraFault | undefined> {
  try {
    const found = await stat(path)
    await access(path, constants.R_OK)
    if (source.from !== 'v4l2' || found.isCharacterDevice()) return undefined
    return faultOf('not-a-camera', source, { place: placeOf(path), said: 'it is no device' })
  } catch (error) {
    const code = errnoOf(error) ?? ''
    const said = code === 'ENOENT' ? '' : messageOf(error)
    return faultOf(KINDS[code] ?? 'absent', source, { place: placeOf(path), said })
  }
}

async function hostFault(source: CameraSource, url: string): Promise<CameraFault | undefined> {
  const { protocol, hostname, port } = new URL(url)
  const usualPort = protocol === 'rtsps:' ? RTSPS_PORT : RTSP_PORT
  const socket = connect({ host: hostname, port: Number(port) || usualPort })
  const answer = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject)
  })
  try {
    await withDeadline(answer, { ms: CONNECT_MS_MAX, what: 'connecting' })
    return undefined
  } catch (error) {
    return faultOf('absent', source, { place: placeOf(undefined), said: messageOf(error) })
  } finally {
    socket.destroy()
  }
}
