import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../support/root.ts'

const run = promisify(execFile)

/** What a command of the README prints, in part; null where something else runs it. */
const PRINTED: Readonly<Record<string, RegExp | null>> = {
  // The next line is the same, shorter.
  'npm start': null,
  'npm start -- --rounds 3 --agents 2': /RESULT after 3 rounds[\s\S]*bits per byte|BITS PER BYTE/i,
  // This test is a part of it.
  'npm test': null,
  'npm run bench': /round-overhead/,
  'npm run size': /production installation/,
  'node dist/cli/main.js measure': /Time-computing matrix/,
  'node dist/cli/main.js firmware list': /vid:pid:serial|no serial port/,
  'node dist/cli/main.js model --help': /gradcheck/,
  'node dist/cli/main.js --help': /measure/,
}

async function documentedCommands(): Promise<string[]> {
  const text = await readFile(join(ROOT, 'README.md'), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '')
  return blocks
    .join('')
    .split('\n')
    .map(line => line.replace(/\s+#.*$/, '').trim())
    .filter(line => line !== '')
}

test('every command of the README is run here, and no other', async () => {
  expect(await documentedCommands()).toEqual(Object.keys(PRINTED))
})

describe('a command of the README works:', () => {
  const own = Object.entries(PRINTED).filter(([, printed]) => printed !== null)
  test.each(own)('%s', { timeout: 200_000 }, async (command, printed) => {
    const { stdout } = await run('bash', ['-c', command], {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1' },
      timeout: 190_000,
      maxBuffer: 16 * 2 ** 20,
    })
    expect(stdout).toMatch(printed ?? /never/)
  })
})
