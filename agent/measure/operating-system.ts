import { join } from 'node:path'
import { readKernelText } from './kernel-file.ts'

/**
 * `Debian GNU/Linux 12 (bookworm)` of os-release(5), with the release of L4T on a Jetson, whose
 * places for figures differ from one to the next, and the kernel.
 */
export async function readOperatingSystem(o: {
  readonly procRoot: string
  readonly filesRoot: string
}): Promise<{ readonly name?: string; readonly kernel?: string }> {
  const released = (await readKernelText(join(o.filesRoot, 'etc/os-release'))) ?? ''
  const tegra = (await readKernelText(join(o.filesRoot, 'etc/nv_tegra_release'))) ?? ''
  const kernel = await readKernelText(join(o.procRoot, 'sys/kernel/osrelease'))
  const pretty = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(released)?.[1]
  // `# R36 (release), REVISION: 4.3, GCID: …`
  const [, major, revision] = /^# R(\d+) \(release\), REVISION: ([\d.]+)/.exec(tegra) ?? []
  const name = [pretty, major && `L4T R${major}.${revision}`].filter(Boolean).join(', ')
  return { ...(name === '' ? {} : { name }), ...(kernel ? { kernel } : {}) }
}
