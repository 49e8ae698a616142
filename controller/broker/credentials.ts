import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'
import { errnoOf, GainnetError, messageOf } from '../../runtime/errors.ts'
import { withMachineMutex } from '../../runtime/machine-mutex.ts'
import { mosquittoAccess, ROLES, type Role } from './access-rules.ts'
import { hashPassword, isPasswordHash, verifyPassword } from './password-hash.ts'

/** Only the controller's user may read the file: mosquitto refuses to share it, and so do we. */
const FILE_MODE = 0o600
const FILE_NAME = 'credentials.json'
/** Each holds the file for some milliseconds. */
const LOCK_MS_MAX = 30_000

const Username = z.string().regex(/^[a-z0-9-]{1,64}$/, 'use 1 to 64 of a-z, 0-9 and -')
const Entry = z.strictObject({
  role: z.enum(ROLES),
  passwordHash: z.string().refine(isPasswordHash, 'not a $7$ hash'),
})
const CredentialsFile = z.strictObject({ version: z.literal(1), users: z.record(Username, Entry) })
type Entry = z.infer<typeof Entry>
type Users = Readonly<Record<string, Entry>>

/** Who may connect to the broker, from the file in the controller's state directory. */
export interface Credentials {
  /** The user's role where the password fits, else null. */
  verify(username: string, password: Buffer): Promise<Role | null>
  /** Whether there is a user of this name. */
  has(username: string): boolean
}

/**
 * Adds a user or gives it a new password, and returns the password: it is stored nowhere. A running
 * controller takes the change up with the next CONNECT.
 */
export async function addCredential(
  stateDirectory: string,
  username: string,
  role: Role = 'agent',
  password: string = randomBytes(18).toString('base64url'),
): Promise<string> {
  const name = Username.safeParse(username)
  if (!name.success) {
    const reason = name.error.issues[0]?.message ?? ''
    throw new GainnetError('USAGE', `name of a user: ${reason}`, { username })
  }
  const path = resolve(stateDirectory, FILE_NAME)
  const entry: Entry = { role, passwordHash: await hashPassword(password) }
  // Who provisions a fleet calls this many times at once: none of the names may be lost.
  await withMachineMutex(path, { ms: LOCK_MS_MAX }, async () => {
    await writeUsers(path, { ...(await readUsers(path)), [name.data]: entry })
  })
  return password
}

/** Reads the file now, and again whenever it has changed. No file is an empty table. */
export async function loadCredentials(stateDirectory: string): Promise<Credentials> {
  const table = new CredentialTable(join(stateDirectory, FILE_NAME))
  await table.refresh()
  return table
}

class CredentialTable implements Credentials {
  readonly #path: string
  /** Key of the digests below, so that they mean nothing outside of this process. */
  readonly #cacheKey = randomBytes(32)
  /**
   * Passwords that fitted, by user, so that a fleet which comes back at once costs one hash an
   * agent in the life of the controller. Bounded by the number of users.
   */
  readonly #verified = new Map<string, { passwordHash: string; digest: Buffer }>()
  #users: Users = {}
  #version = ''

  constructor(path: string) {
    this.#path = path
  }

  has(username: string): boolean {
    return Object.hasOwn(this.#users, username)
  }

  async verify(username: string, password: Buffer): Promise<Role | null> {
    await this.refresh()
    const entry = this.has(username) ? this.#users[username] : undefined
    if (!entry) {
      // As long as for a known name, so that names cannot be found out by the clock.
      await hashPassword('unknown')
      return null
    }
    const digest = createHmac('sha256', this.#cacheKey).update(password).digest()
    const known = this.#verified.get(username)
    if (known?.passwordHash === entry.passwordHash && timingSafeEqual(known.digest, digest)) {
      return entry.role
    }
    if (!(await verifyPassword(password, entry.passwordHash))) return null
    this.#verified.set(username, { passwordHash: entry.passwordHash, digest })
    return entry.role
  }

  async refresh(): Promise<void> {
    const version = await versionOf(this.#path)
    if (version === this.#version) return
    this.#users = await readUsers(this.#path)
    this.#version = version
    for (const name of this.#verified.keys()) if (!this.has(name)) this.#verified.delete(name)
  }
}

/**
 * The files of a Mosquitto that stands in for the embedded broker: password_file and acl_file, from
 * the same table. To be written anew (and Mosquitto sent SIGHUP) after each addCredential.
 */
export async function mosquittoFiles({
  stateDirectory,
  site,
  directory,
}: {
  readonly stateDirectory: string
  readonly site: string
  /** Where to write them. */
  readonly directory: string
}): Promise<{ readonly passwordFile: string; readonly accessFile: string }> {
  const users = Object.entries(await readUsers(join(stateDirectory, FILE_NAME)))
  const passwordFile = join(directory, 'mosquitto.passwords')
  const accessFile = join(directory, 'mosquitto.acl')
  const passwords = users.map(([name, { passwordHash }]) => `${name}:${passwordHash}\n`).join('')
  const identities = users.map(([username, { role }]) => ({ username, role }))
  await writeFileAtomic(passwordFile, passwords, FILE_MODE)
  await writeFileAtomic(accessFile, mosquittoAccess(site, identities), FILE_MODE)
  return { passwordFile, accessFile }
}

/** Changes with each replacement of the file: a new inode, and its time in nanoseconds. */
async function versionOf(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true })
    return `${ino} ${mtimeNs} ${size}`
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'no file'
    throw error
  }
}

async function readUsers(path: string): Promise<Users> {
  const bytes = await readFileIfThere(path)
  if (!bytes) return {}
  try {
    return CredentialsFile.parse(JSON.parse(bytes.toString('utf8'))).users
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)
    throw new GainnetError(
      'STATE_DIRECTORY_UNUSABLE',
      `${path} is not a table of credentials (${reason}); restore it, or delete it and issue all credentials anew`,
      { path },
      { cause: error },
    )
  }
}

async function writeUsers(path: string, users: Users): Promise<void> {
  const file: z.infer<typeof CredentialsFile> = { version: 1, users }
  await writeFileAtomic(path, `${JSON.stringify(file, null, 2)}\n`, FILE_MODE)
}
