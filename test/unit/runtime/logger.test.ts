import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GainnetError } from '../../../runtime/errors.ts'
import { createLogger } from '../../../runtime/logger.ts'
import { canMountTmpfs, temporaryDirectory, tinyTmpfs } from '../../support/directories.ts'

const logFile = (path: string) => ({ path, bytesMax: 2 ** 20, filesKept: 1 })

function fileLog(level = 'info') {
  const file = join(temporaryDirectory(), 'logs', 'agent.log')
  const log = createLogger({
    daemon: 'agent',
    level,
    fields: { agentId: 'pi-04' },
    file: logFile(file),
  })
  const lines = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line))
  return { log, lines }
}

describe('the log', () => {
  test('is one JSON object a line, with who speaks, when, and the level as a word', () => {
    const { log, lines } = fileLog()
    log.child({ part: 'urp' }).info({ crId: 7 }, 'urp published')
    log.debug('below the level')
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/),
        daemon: 'agent',
        agentId: 'pi-04',
        part: 'urp',
        crId: 7,
        msg: 'urp published',
      },
    ])
  })

  test('never says a password or a secret, however deep it lies', () => {
    const { log, lines } = fileLog()
    const password = 'do not say this'
    log.info({ password, secret: password, broker: { password } }, 'one')
    log.info({ config: { broker: { password } }, key: { secret: password } }, 'two')
    expect(JSON.stringify(lines())).not.toContain(password)
  })

  test('names an expected failure by its code and cause, without a stack', () => {
    const { log, lines } = fileLog()
    const cause = new GainnetError('BROKER_UNREACHABLE', 'not connected')
    const details = { ms: 5 }
    log.warn({ err: new GainnetError('DEADLINE_PASSED', 'too slow', details, { cause }) }, 'failed')
    expect(lines()[0].err).toEqual({
      code: 'DEADLINE_PASSED',
      message: 'too slow',
      details,
      cause: { code: 'BROKER_UNREACHABLE', message: 'not connected', details: {} },
    })
  })

  test('shows the stack of our own mistakes, and anything else that was thrown as text', () => {
    const { log, lines } = fileLog()
    log.error({ err: new TypeError('undefined is not a function') }, 'mistake')
    log.error({ err: 'just text' }, 'thrown')
    expect(lines()[0].err.stack).toContain('logger.test.ts')
    expect(lines()[1].err).toEqual({ message: 'just text' })
  })

  test('on a full disk costs its lines and nothing else', async () => {
    const log = createLogger({ daemon: 'agent', level: 'info', file: logFile('/dev/full') })
    for (let line = 0; line < 100; line++) log.info({ line }, 'nobody hears this')
    // What a stream has to say about it, it says at a later turn.
    await new Promise(resolve => setImmediate(resolve))
  })

  test.skipIf(!canMountTmpfs)(
    'goes on when the disk has room again (needs root for a tmpfs)',
    () => {
      const folder = tinyTmpfs(64 * 1024)
      const file = join(folder, 'agent.log')
      const log = createLogger({ daemon: 'agent', level: 'info', file: logFile(file) })
      log.info('before')
      const ballast = join(folder, 'ballast')
      expect(() => writeFileSync(ballast, new Uint8Array(64 * 1024))).toThrow('ENOSPC')
      const text = 'x'.repeat(1000)
      for (let line = 0; line < 1000; line++) log.info({ text }, 'no room')
      rmSync(ballast)
      log.info('after')
      const last = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1)
      expect(last).toContain('"msg":"after"')
    },
  )
})
