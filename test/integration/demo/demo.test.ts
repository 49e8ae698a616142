import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ownIdentity, type ProcessIdentity } from '../../../runtime/process-identity.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { waitFor } from '../../support/wait-for.ts'

/** `gainnet demo` as a person starts it, with its temporary files in a folder of the test. */
function startDemo(...args: readonly string[]): { demo: DaemonProcess; temporary: string } {
  const temporary = temporaryDirectory()
  const env = { TMPDIR: temporary, NO_COLOR: '1' }
  return { demo: new DaemonProcess(['demo', ...args], { env }), temporary }
}

async function waitForText(demo: DaemonProcess, text: string): Promise<void> {
  await waitFor(
    () => {
      if (demo.hasEnded) throw new Error(`ended before: ${text}\n${demo.stderr}\n${demo.stdout}`)
      return (demo.stderr + demo.stdout).includes(text)
    },
    { ms: 60_000, what: text },
  )
}

/** Processes whose command line names the folder. */
function processesOf(folder: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => ({ pid: Number(name), command: commandOf(name) }))
    .filter(({ command }) => command.includes(folder))
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

function portOf(temporary: string): number {
  const [run = ''] = readdirSync(temporary)
  const config = readFileSync(join(temporary, run, 'config', 'controller.yaml'), 'utf8')
  return Number(/port: (\d+)/.exec(config)?.[1])
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

describe('the demo', () => {
  test('ends with one JSON document and leaves nothing behind', { timeout: 120_000 }, async () => {
    const { demo, temporary } = startDemo('--rounds', '1', '--agents', '1', '--json')
    expect(await demo.ended, demo.stderr).toEqual({ code: 0, signal: null })
    expect(demo.stdout.trimEnd()).not.toContain('\n')
    const report = JSON.parse(demo.stdout)
    expect(report).toMatchObject({
      rounds: 1,
      bytesOnWire: expect.any(Number),
      durationSeconds: expect.any(Number),
      models: [{ id: 'licence' }, { id: 'code' }],
      agents: [
        { id: 'agent-1', measured: { gflops: expect.any(Number), rttMs: expect.any(Number) } },
      ],
    })
    for (const model of report.models) {
      expect(model.bitsPerByteBefore).toBeGreaterThan(7)
      expect(model.unigramBitsPerByte).toBeGreaterThan(3)
      expect(model.sampleAfter).toMatch(/^The /)
    }
    expect(demo.stderr).toContain('communication round 2 starts')
    expect(readdirSync(temporary)).toEqual([])
  })

  test('ends at Ctrl-C with 130, without processes, port or files', {
    timeout: 90_000,
  }, async () => {
    const { demo, temporary } = startDemo('--rounds', '6', '--agents', '2')
    await waitForText(demo, 'agent-1 is ready')
    const port = portOf(temporary)
    expect(await listens(port)).toBe(true)
    expect(processesOf(temporary).length).toBeGreaterThanOrEqual(2)
    demo.child.kill('SIGINT')
    expect(await demo.ended).toEqual({ code: 130, signal: null })
    expect(await listens(port)).toBe(false)
    expect(processesOf(temporary)).toEqual([])
    expect(readdirSync(temporary)).toEqual([])
  })

  test('names a daemon that died, with its log, and ends the others', {
    timeout: 90_000,
  }, async () => {
    const { demo, temporary } = startDemo('--rounds', '6', '--agents', '2')
    await waitForText(demo, 'agent-1 is ready')
    const agent = processesOf(temporary).find(({ command }) => command.includes('agent-1.yaml'))
    process.kill(agent?.pid ?? 0, 'SIGKILL')
    expect(await demo.ended).toEqual({ code: 70, signal: null })
    expect(demo.stderr).toContain('agent-1 was ended by SIGKILL before the run was over')
    expect(demo.stderr).toContain('all logs: ')
    expect(processesOf(temporary)).toEqual([])
    const [run = ''] = readdirSync(temporary)
    expect(readdirSync(join(temporary, run, 'logs'))).toContain('agent-1.log')
  })

  test('that is killed takes its daemons with it', { timeout: 90_000 }, async () => {
    const { demo, temporary } = startDemo('--rounds', '6', '--agents', '2')
    await waitForText(demo, 'agent-1 is ready')
    await demo.kill()
    await waitFor(() => processesOf(temporary).length === 0, {
      ms: 20_000,
      what: 'the daemons of the demo have ended',
    })
  })

  test('removes what killed ones have left, and nothing else', { timeout: 90_000 }, async () => {
    const temporary = temporaryDirectory()
    const folderOf = (name: string, owner?: ProcessIdentity) => {
      const folder = join(temporary, `gainnet-demo-${name}`)
      mkdirSync(join(folder, 'state'), { recursive: true })
      if (owner) writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner))
    }
    const own = await ownIdentity()
    folderOf('alive', own)
    folderOf('killed', { ...own, startTicks: '1' })
    folderOf('of-another-boot', { ...own, bootId: 'another' })
    folderOf('to-look-into')
    const env = { TMPDIR: temporary, NO_COLOR: '1' }
    const demo = new DaemonProcess(['demo', '--rounds', '1', '--agents', '1'], { env })
    await waitForText(demo, 'agent-1 is ready')
    demo.child.kill('SIGINT')
    await demo.ended
    expect(readdirSync(temporary).sort()).toEqual([
      'gainnet-demo-alive',
      'gainnet-demo-to-look-into',
    ])
  })
})

test('a folder that is not empty is not taken for a run', async () => {
  const folder = temporaryDirectory()
  const first = new DaemonProcess(['demo', '--keep', join(folder, '..')])
  expect(await first.ended).toEqual({ code: 64, signal: null })
  expect(first.stderr).toContain('--keep needs a new or an empty folder')
})
