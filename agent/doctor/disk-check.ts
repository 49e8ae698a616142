import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../../runtime/errors.ts'
import { type Check, type Finding, fault, ok, warning } from './check.ts'

const MiB = 2 ** 20
/** Below this a single round may not find room. */
const FREE_BYTES_MIN = 64 * MiB

/** The disk under the state directory. */
export const diskCheck: Check = {
  name: 'disk',
  durationMsMax: 5000,
  async run({ config, user }) {
    const folder = await existingParent(config.stateDirectory)
    const { bavail, bsize } = await statfs(folder)
    const findings = [spaceFinding(folder, bavail * bsize, config.outbox.bytesMax)]
    if (folder !== config.stateDirectory || user.uid !== process.getuid?.()) return findings
    return [...findings, await writeFinding(folder)]
  },
}

function spaceFinding(folder: string, freeBytes: number, outboxBytesMax: number): Finding {
  const free = `${Math.floor(freeBytes / MiB)} MiB are free on the disk of ${folder}`
  const wanted = Math.ceil(outboxBytesMax / MiB)
  const remedy = 'sudo apt clean && sudo journalctl --vacuum-size=100M'
  if (freeBytes < FREE_BYTES_MIN) return fault(`${free}: too few for a round`, remedy)
  if (freeBytes >= outboxBytesMax) return ok(free)
  return warning(
    `${free}, the outbox alone may take ${wanted} MiB`,
    `${remedy}, or lower outbox.bytesMax`,
  )
}

async function writeFinding(folder: string): Promise<Finding> {
  try {
    await access(folder, constants.W_OK)
    return ok(`${folder} can be written`)
  } catch (error) {
    const text = `${folder} cannot be written (${errnoOf(error)})`
    return fault(text, `sudo chown -R "$USER" ${folder}`)
  }
}

async function existingParent(path: string): Promise<string> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  return isThere || dirname(path) === path ? path : existingParent(dirname(path))
}
