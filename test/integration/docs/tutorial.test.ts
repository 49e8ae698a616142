import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findCommand } from '../../support/commands.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'

const TUTORIAL_MS_MAX = 240_000

/** The shell blocks of a page, in order, as one script. */
async function commandsOf(page: string): Promise<string> {
  const text = await readFile(join(ROOT, page), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block)
  expect(blocks.length).toBeGreaterThan(0)
  return blocks.join('\n')
}

test.skipIf(!findCommand('mosquitto_sub'))(
  'every command of the first tutorial works, one after the other',
  { timeout: TUTORIAL_MS_MAX + 10_000 },
  async () => {
    const script = await commandsOf('docs/tutorial/first-fleet.md')
    const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: ROOT,
      env: { ...process.env, FLEET: temporaryDirectory() },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that the daemons it started end with it whatever happens.
      detached: true,
    })
    const endGroup = (): void => {
      try {
        if (shell.pid) process.kill(-shell.pid, 'SIGKILL')
      } catch {
        // All of it has ended.
      }
    }
    onTestFinished(endGroup)
    const timer = setTimeout(endGroup, TUTORIAL_MS_MAX)
    let output = ''
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const [code] = await once(shell, 'close')
    clearTimeout(timer)
    expect(code, output.slice(-3000)).toBe(0)
    expect(output).toContain('What ')
    expect(output).toMatch(/"policy":"greedy-gain".*"outcome":"aggregated"/)
    expect(output).not.toMatch(/gainnet: /)
  },
)
