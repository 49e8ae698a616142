import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { readKernelText } from '../measure/kernel-file.ts'

/** A V4L2 device as the kernel lists it (Linux media documentation, "Video device registration"). */
export interface VideoDevice {
  /** /dev/video0 */
  readonly path: string
  /** As the driver names it. */
  readonly name: string
  /**
   * Of the device nodes of one camera, from 0: the first gives pictures, others what is said about
   * them (UVC 1.5, metadata).
   */
  readonly index: number
  /** Below /dev/v4l/by-id or by-path: the name that stays when other cameras come and go. */
  readonly stablePath?: string
}

export interface DeviceRoots {
  readonly sysRoot: string
  readonly devRoot: string
}

/** Every V4L2 device, cameras or not, in the order of their numbers; none where there is no V4L2. */
export async function listVideoDevices({ sysRoot, devRoot }: DeviceRoots): Promise<VideoDevice[]> {
  const folder = join(sysRoot, 'class/video4linux')
  const entries = await readdir(folder).catch(() => [])
  const nodes = entries.filter(entry => /^video\d+$/.test(entry))
  const stable = await stablePaths(devRoot)
  const devices = nodes
    .sort((a, b) => numberOf(a) - numberOf(b))
    .map(async node => {
      const stablePath = stable.get(node)
      return {
        path: join(devRoot, node),
        name: (await readKernelText(join(folder, node, 'name'))) ?? 'unnamed',
        index: Number((await readKernelText(join(folder, node, 'index'))) ?? 0),
        ...(stablePath === undefined ? {} : { stablePath }),
      }
    })
  return Promise.all(devices)
}

function numberOf(node: string): number {
  return Number(node.slice('video'.length))
}

/** From the node to the link that udev made to it: by what the camera is, else by its socket. */
async function stablePaths(devRoot: string): Promise<Map<string, string>> {
  const paths = new Map<string, string>()
  for (const kind of ['by-path', 'by-id']) {
    const folder = join(devRoot, 'v4l', kind)
    for (const entry of await readdir(folder).catch(() => [])) {
      const target = await readlink(join(folder, entry)).catch(() => '')
      const node = target.split('/').at(-1)
      if (node) paths.set(node, join(folder, entry))
    }
  }
  return paths
}
