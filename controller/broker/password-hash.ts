import { pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

/**
 * PBKDF2 with SHA-512, because that is what Mosquitto 2 reads: one table serves both brokers, and a
 * site that moves to Mosquitto keeps the passwords of its agents. 20,000 rounds take about 10 ms:
 * Mosquitto checks on its only thread, and our own passwords are drawn from 142 bits, which no
 * number of rounds makes weaker or stronger.
 */
const ITERATIONS = 20_000
const SALT_BYTES = 12
const HASH_BYTES = 64
const FORM = /^\$7\$(\d{1,7})\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)$/

/** `$7$iterations$salt$hash`, as mosquitto_passwd(1) -H sha512-pbkdf2 writes it. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, salt, ITERATIONS, HASH_BYTES, 'sha512')
  return `$7$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Whether the text is a hash that verifyPassword can check. */
export function isPasswordHash(text: string): boolean {
  return FORM.test(text)
}

/** Off the event loop, and in the same time whether or not it fits. */
export async function verifyPassword(password: string | Buffer, encoded: string): Promise<boolean> {
  const match = FORM.exec(encoded)
  if (!match) return false
  const [, iterations = '', salt = '', expected = ''] = match
  const wanted = Buffer.from(expected, 'base64')
  const hash = await derive(
    password,
    Buffer.from(salt, 'base64'),
    Number(iterations),
    HASH_BYTES,
    'sha512',
  )
  return hash.length === wanted.length && timingSafeEqual(hash, wanted)
}
