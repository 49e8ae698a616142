import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addCredential, loadCredentials } from '../../../controller/broker/credentials.ts'
import { hashPassword, verifyPassword } from '../../../controller/broker/password-hash.ts'
import { hasCode } from '../../../runtime/errors.ts'
import { findCommand } from '../../support/commands.ts'
import { temporaryDirectory } from '../../support/directories.ts'

test('a new credential opens with the password that was returned, and with no other', async () => {
  const directory = temporaryDirectory()
  const password = await addCredential(directory, 'pi-04')
  const credentials = await loadCredentials(directory)
  expect(password).toHaveLength(24)
  expect(await credentials.verify('pi-04', Buffer.from(password))).toBe('agent')
  expect(await credentials.verify('pi-04', Buffer.from(`${password} `))).toBeNull()
  expect(await credentials.verify('pi-05', Buffer.from(password))).toBeNull()
  expect(await credentials.verify('constructor', Buffer.from(password))).toBeNull()
})

test('the table is taken up again when it changes, and a replaced password no longer fits', async () => {
  const directory = temporaryDirectory()
  const first = await addCredential(directory, 'pi-04')
  const credentials = await loadCredentials(directory)
  expect(await credentials.verify('pi-04', Buffer.from(first))).toBe('agent')
  const second = await addCredential(directory, 'pi-04')
  await addCredential(directory, 'eye', 'observer', 'a long look')
  expect(await credentials.verify('pi-04', Buffer.from(first))).toBeNull()
  expect(await credentials.verify('pi-04', Buffer.from(second))).toBe('agent')
  expect(await credentials.verify('eye', Buffer.from('a long look'))).toBe('observer')
})

test('credentials that are made at once are all kept', async () => {
  const directory = temporaryDirectory()
  const names = Array.from({ length: 6 }, (_, index) => `pi-${index}`)
  await Promise.all(names.map(name => addCredential(directory, name)))
  const credentials = await loadCredentials(directory)
  expect(names.filter(name => !credentials.has(name))).toEqual([])
})

test('no file is an empty table', async () => {
  const credentials = await loadCredentials(temporaryDirectory())
  expect(await credentials.verify('pi-04', Buffer.from('x'))).toBeNull()
})

test('the file holds no password and only its owner may read it', async () => {
  const directory = temporaryDirectory()
  const password = await addCredential(directory, 'pi-04')
  const file = join(directory, 'credentials.json')
  expect(readFileSync(file, 'utf8')).not.toContain(password)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test.each(['', 'Pi', 'pi/04', 'pi 04', 'pi:04', '+', 'ä'])('%j is no name', async name => {
  await expect(addCredential(temporaryDirectory(), name)).rejects.toSatisfy(error =>
    hasCode(error, 'USAGE'),
  )
})

test.each([
  ['not JSON', '{'],
  [
    'an unknown role',
    '{"version":1,"users":{"pi":{"role":"king","passwordHash":"$7$1$YQ==$YQ=="}}}',
  ],
  ['no hash', '{"version":1,"users":{"pi":{"role":"agent","passwordHash":"secret"}}}'],
  ['another version', '{"version":2,"users":{}}'],
])('a file with %s is an error that names the file and is not overwritten', async (_, text) => {
  const directory = temporaryDirectory()
  const file = join(directory, 'credentials.json')
  writeFileSync(file, text)
  const isNamed = (error: unknown): boolean =>
    hasCode(error, 'STATE_DIRECTORY_UNUSABLE') && error.message.includes(file)
  await expect(loadCredentials(directory)).rejects.toSatisfy(isNamed)
  await expect(addCredential(directory, 'pi-05')).rejects.toSatisfy(isNamed)
  expect(readFileSync(file, 'utf8')).toBe(text)
})

test('a password that fitted once is checked again at a hundredth of the cost', async () => {
  const directory = temporaryDirectory()
  const password = Buffer.from(await addCredential(directory, 'pi-04'))
  const credentials = await loadCredentials(directory)
  await credentials.verify('pi-04', password)
  // User time of all threads: unlike wall time it does not grow when the machine is busy.
  const before = process.cpuUsage()
  for (let count = 0; count < 100; count++) await credentials.verify('pi-04', password)
  const cached = process.cpuUsage(before).user
  const start = process.cpuUsage()
  for (let count = 0; count < 5; count++) await credentials.verify('pi-04', Buffer.from('wrong'))
  const hashed = process.cpuUsage(start).user
  expect(cached / 100).toBeLessThan(hashed / 5)
})

const mosquittoPasswd = findCommand('mosquitto_passwd')

test.skipIf(!mosquittoPasswd)('hashes of mosquitto_passwd are read as well', async () => {
  const file = join(temporaryDirectory(), 'passwords')
  execFileSync(mosquittoPasswd ?? '', ['-c', '-b', file, 'pi-04', 'a pass phrase'])
  const [, hash = ''] = readFileSync(file, 'utf8').trim().split(':')
  expect(await verifyPassword('a pass phrase', hash)).toBe(true)
  expect(await verifyPassword('a pass phrasE', hash)).toBe(false)
})

test('two hashes of one password differ', async () => {
  expect(await hashPassword('same')).not.toBe(await hashPassword('same'))
})
