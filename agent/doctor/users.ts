import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface User {
  readonly name: string
  readonly uid: number
  /** Numbers of all groups, the first one included. */
  readonly groups: readonly number[]
  /** The user of the package, under whom the service runs: not somebody at a terminal. */
  readonly isService: boolean
}

/** User of the Debian package. */
const SERVICE_USER = 'gainnet'

/**
 * By whom the agent is run here: the named user, else that of the package, else whoever calls. Reads
 * passwd(5) and group(5); undefined where there is no such user.
 */
export async function agentUser(
  etcRoot: string,
  name: string | undefined,
  current: { readonly uid: number; readonly groups: readonly number[] },
): Promise<User | undefined> {
  const users = await rowsOf(join(etcRoot, 'passwd'))
  const rowOf = (wanted: string) => users.find(([userName]) => userName === wanted)
  const row = name === undefined ? rowOf(SERVICE_USER) : rowOf(name)
  if (row === undefined) {
    if (name !== undefined) return undefined
    const own = users.find(([, , uid]) => Number(uid) === current.uid)?.[0]
    return { name: own ?? `user ${current.uid}`, ...current, isService: false }
  }
  const [userName = '', , uid, gid] = row
  const groups = (await rowsOf(join(etcRoot, 'group'))).filter(([, , , members = '']) =>
    members.split(',').includes(userName),
  )
  return {
    name: userName,
    uid: Number(uid),
    groups: [Number(gid), ...groups.map(([, , number]) => Number(number))],
    isService: userName === SERVICE_USER,
  }
}

/** Undefined where the group has no name. */
export async function groupName(etcRoot: string, gid: number): Promise<string | undefined> {
  return (await rowsOf(join(etcRoot, 'group'))).find(([, , number]) => Number(number) === gid)?.[0]
}

async function rowsOf(path: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.split('\n').map(line => line.split(':'))
}
