import { spawn } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/directories.ts'
import { copiedBoard } from '../../support/recorded-board.ts'
import { ROOT } from '../../support/root.ts'

/** Of Debian's nobody, who may read nothing that is not for everybody. */
const NOBODY = 65_534

// Only root can become nobody; whoever is not root already is somebody who may be refused.
test.skipIf(process.getuid?.() !== 0)(
  'where nothing may be read every probe says so, and none says 0',
  async () => {
    const board = temporaryDirectory()
    const { filesRoot } = copiedBoard('jetson-orin', board)
    for (const folder of ['proc', 'sys', 'var', 'etc']) chmodSync(join(filesRoot, folder), 0o700)
    chmodSync(board, 0o755)
    const program = join(ROOT, 'test/support/read-every-probe.ts')
    const child = spawn(process.execPath, ['--import', 'tsx', program, filesRoot], {
      cwd: ROOT,
      uid: NOBODY,
      gid: NOBODY,
      env: { PATH: process.env.PATH, HOME: '/nowhere' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [printed, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    expect(errors).toBe('')
    const outcomes: Record<string, { status: string; reason: string }> = JSON.parse(printed)
    expect(Object.keys(outcomes)).toHaveLength(10)
    for (const [name, { status, reason }] of Object.entries(outcomes)) {
      expect(status, name).toBe('absent')
      expect(reason, name).toContain(filesRoot)
    }
    for (const name of ['cpu', 'memory', 'pressure', 'thermal', 'gpu', 'emc', 'network']) {
      expect(outcomes[name]?.reason, name).toContain('no permission to read')
    }
  },
)
