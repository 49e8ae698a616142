import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { takeHostLock } from '../../../agent/measure/host-lock.ts'

let folder: string
let path: string
const patient = { waitMsMax: 5000, holdMsMax: 60_000 }
const impatient = { waitMsMax: 0, holdMsMax: 60_000 }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gainnet-lock-'))
  path = join(folder, 'probe.lock')
})

afterEach(() => rm(folder, { recursive: true }))

/** The id of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid ?? 0
}

describe('the lock of a machine', () => {
  test('holds its owner and goes when it is released', async () => {
    const lock = await takeHostLock({ path, ...impatient })
    expect(await readFile(path, 'utf8')).toBe(String(process.pid))
    await lock?.release()
    expect(await readdir(folder)).toEqual([])
  })

  test('is not given to a second one while a live process holds it', async () => {
    const first = await takeHostLock({ path, ...impatient })
    expect(await takeHostLock({ path, ...impatient })).toBeNull()
    await first?.release()
  })

  test('is given to who waits as soon as it is free', async () => {
    const first = await takeHostLock({ path, ...impatient })
    const second = takeHostLock({ path, ...patient })
    await first?.release()
    expect(await second).not.toBeNull()
  })

  test('is taken over from a process that is gone', async () => {
    await writeFile(path, String(await deadPid()))
    expect(await takeHostLock({ path, ...impatient })).not.toBeNull()
    expect(await readFile(path, 'utf8')).toBe(String(process.pid))
    expect(await readdir(folder)).toEqual(['probe.lock'])
  })

  test('is taken over when it is older than anybody may hold it, though the id is in use', async () => {
    await writeFile(path, String(process.pid))
    const long = new Date(Date.now() - 120_000)
    await utimes(path, long, long)
    expect(await takeHostLock({ path, ...impatient })).not.toBeNull()
  })

  test.each(['', 'rubbish', '-1', '0'])('is taken over when it says %j', async content => {
    await writeFile(path, content)
    expect(await takeHostLock({ path, ...impatient })).not.toBeNull()
  })

  test('is given to one only of many that find it stale', async () => {
    await writeFile(path, String(await deadPid()))
    const locks = await Promise.all(
      Array.from({ length: 8 }, () => takeHostLock({ path, ...impatient })),
    )
    expect(locks.filter(lock => lock !== null)).toHaveLength(1)
  })

  test('is not removed by an owner that has lost it', async () => {
    const lock = await takeHostLock({ path, ...impatient })
    await writeFile(path, '1')
    await lock?.release()
    expect(await readFile(path, 'utf8')).toBe('1')
  })

  test('ends the wait when the probe is cut off', async () => {
    const first = await takeHostLock({ path, ...impatient })
    const cutOff = new AbortController()
    const second = takeHostLock({ path, ...patient, signal: cutOff.signal })
    cutOff.abort()
    await expect(second).rejects.toThrow()
    await first?.release()
  })
})
