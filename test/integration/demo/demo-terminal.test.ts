import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { findCommand } from '../../support/commands.ts'
import { MAIN } from '../../support/daemon-process.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { waitFor } from '../../support/wait-for.ts'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CTRL_C = '\x03'

const script = findCommand('script')

test.skipIf(!script)(
  'a terminal shows one screen, and has its cursor back after Ctrl-C',
  async () => {
    const command = `stty rows 40 columns 120; exec '${process.execPath}' '${MAIN}' demo --agents 1`
    const child = spawn(script ?? '', ['-qfec', command, '/dev/null'], {
      env: { ...process.env, TMPDIR: temporaryDirectory(), TERM: 'xterm', NO_COLOR: '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    await waitFor(() => output.includes('agent-1 is ready'), {
      ms: 60_000,
      what: 'the agent is ready',
    })
    expect(output).toContain(HIDE_CURSOR)
    // Drawn anew over itself: the heading comes with each picture, the cursor goes up between them.
    expect(output.split('AGENT    STATE').length).toBeGreaterThan(3)
    expect(output).toContain('A\r\x1b[1m GainNet\x1b[0m')

    child.stdin.write(CTRL_C)
    const [code] = await once(child, 'exit')
    expect(code).toBe(130)
    expect(output.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(output.lastIndexOf(HIDE_CURSOR))
    expect(output).toContain('interrupted; all daemons have ended')
  },
  90_000,
)
