import { stat } from 'node:fs/promises'
import { errnoOf } from '../../runtime/errors.ts'
import { type DoctorContext, type Finding, fault, ok } from './check.ts'
import { groupName, type User } from './users.ts'

export interface Device {
  readonly path: string
  /** What it is, in words: "USB receiver", "camera". */
  readonly what: string
  /** The command that gives it to a group, where no group that may use it is to be had. */
  readonly groupCommand: string
}

interface Ownership {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

const READ_AND_WRITE = 0o6

/** Whether the user may read and write, by the mode bits; ACLs and capabilities are not looked at. */
export function mayUse(user: Pick<User, 'uid' | 'groups'>, owner: Ownership): boolean {
  const { uid, gid, mode } = owner
  if (user.uid === 0) return true
  const shift = user.uid === uid ? 6 : user.groups.includes(gid) ? 3 : 0
  return ((mode >> shift) & READ_AND_WRITE) === READ_AND_WRITE
}

/** Whether the agent may open a device, and if not, the command after which it may. */
export async function accessFinding(device: Device, context: DoctorContext): Promise<Finding> {
  const { user, roots } = context
  const { path, what, groupCommand } = device
  const owner = await stat(path).catch(error => errnoOf(error) ?? 'unknown')
  if (typeof owner === 'string') {
    return fault(`${what} ${path} cannot be looked at (${owner})`, 'plug it in again')
  }
  if (mayUse(user, owner)) return ok(`${user.name} may use the ${what} ${path}`)
  const group = await groupName(roots.etcRoot, owner.gid)
  const mode = (owner.mode & 0o777).toString(8).padStart(4, '0')
  const text = `${user.name} may not use the ${what} ${path} (mode ${mode}, group ${group ?? owner.gid})`
  const isForGroup = ((owner.mode >> 3) & READ_AND_WRITE) === READ_AND_WRITE
  if (!isForGroup || group === undefined || group === 'root') return fault(text, groupCommand)
  return fault(text, `sudo usermod -aG ${group} ${user.name} && ${anewOf(user)}`)
}

/** A process keeps the groups with which it was started. */
function anewOf(user: User): string {
  return user.isService
    ? 'sudo systemctl restart gainnet-agent'
    : `sudo loginctl terminate-user ${user.name}`
}
