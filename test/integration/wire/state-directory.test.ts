import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ownIdentity } from '../../../runtime/process-identity.ts'
import { openStateDirectory } from '../../../runtime/state-directory.ts'
import { temporaryDirectory } from '../../support/directories.ts'

describe('the state directory', () => {
  test('is made for this user alone and counts its sessions on disk', async () => {
    const root = join(temporaryDirectory(), 'gainnet', 'agent')
    const first = await openStateDirectory(root)
    expect(statSync(root).mode & 0o777).toBe(0o700)
    const session = await first.nextSession()
    expect(Number(readFileSync(first.path('session'), 'utf8'))).toBe(session)
    await first.close()
    const second = await openStateDirectory(root)
    expect(await second.nextSession()).toBe(session + 1)
    expect(await second.nextSession()).toBe(session + 2)
    await second.close()
  })

  test('a number that was damaged is followed by a larger one', async () => {
    const root = temporaryDirectory()
    const before = Math.floor(Date.now() / 1000)
    writeFileSync(join(root, 'session'), '\0\0\0')
    const state = await openStateDirectory(root)
    expect(await state.nextSession()).toBeGreaterThan(before)
    await state.close()
  })

  test('a second daemon is told which process has it', async () => {
    const root = temporaryDirectory()
    const first = await openStateDirectory(root)
    await expect(openStateDirectory(root)).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_LOCKED',
      details: { pid: process.pid },
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await first.close()
    await first.close()
    const second = await openStateDirectory(root)
    await second.close()
  })

  test('the mark of a process that is gone is no obstacle', async () => {
    const root = temporaryDirectory()
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    const identity = await ownIdentity()
    writeFileSync(join(root, 'lock'), JSON.stringify({ ...identity, pid: child.pid }))
    await (await openStateDirectory(root)).close()
  })

  test('nor is that of one whose pid another process has now', async () => {
    const root = temporaryDirectory()
    const identity = { ...(await ownIdentity()), startTicks: '1' }
    writeFileSync(join(root, 'lock'), JSON.stringify(identity))
    await (await openStateDirectory(root)).close()
  })

  test('nor one from before a reboot, nor rubbish', async () => {
    const root = temporaryDirectory()
    const identity = { ...(await ownIdentity()), bootId: 'another' }
    for (const mark of [JSON.stringify(identity), '', '{', 'null', '[]', '{"pid":"x"}']) {
      writeFileSync(join(root, 'lock'), mark)
      await (await openStateDirectory(root)).close()
    }
  })

  test('of many that start at once over a stale mark exactly one gets it', async () => {
    const root = temporaryDirectory()
    writeFileSync(join(root, 'lock'), 'stale')
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => openStateDirectory(root)),
    )
    const opened = results.filter(({ status }) => status === 'fulfilled')
    expect(opened).toHaveLength(1)
  })

  test('a path that cannot be a directory is named', async () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, '')
    await expect(openStateDirectory(path)).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_UNUSABLE',
      message: expect.stringContaining(path),
    })
  })
})
