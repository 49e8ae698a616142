import { execFile, execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { findCommand } from '../../support/commands.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'
import { repositoryFiles } from '../../support/source-files.ts'

const run = promisify(execFile)

/**
 * Starts the compiled trainer as the agent does, loads ONNX Runtime in it, lets it compute, and
 * prints the environment that the trainer was born with.
 */
const PROGRAM = `
  import { readFileSync } from 'node:fs'
  import { TrainerProcess } from ${JSON.stringify(join(ROOT, 'dist/training/trainer/trainer-process.js'))}
  const trainer = await TrainerProcess.start({})
  await trainer.openKernel({ kernel: 'gemm' })
  await trainer.runKernel({ kernel: 'gemm', turns: 1 })
  process.stdout.write(readFileSync('/proc/' + trainer.pid + '/environ', 'utf8'))
  await trainer.stop()
`
const NODE = [process.execPath, '--input-type=module', '--eval', PROGRAM] as const

/** A user with an empty home, and none of the variables by which a CI turns telemetry off. */
function freshUser(): { readonly home: string; readonly env: NodeJS.ProcessEnv } {
  const home = temporaryDirectory()
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:CI|.*_ACTIONS|TF_BUILD|ORT_.*|XDG_.*|NODE_OPTIONS|VITEST.*)$/.test(name),
  )
  return { home, env: { ...Object.fromEntries(kept), HOME: home } }
}

describe('a trainer that has loaded ONNX Runtime', () => {
  test('leaves nothing below the home of a fresh user, outside of any CI', async () => {
    const { home, env } = freshUser()
    const [program, ...args] = NODE
    const { stdout } = await run(program, args, { env, cwd: home })
    expect(stdout.split('\0')).toContain('ORT_DISABLE_TELEMETRY=1')
    expect(readdirSync(home)).toEqual([])
  })

  test.skipIf(!canTraceWithoutNetwork())('speaks to nobody', async () => {
    const { home, env } = freshUser()
    const trace = await traceOf(NODE, { env, cwd: home })
    expect(readdirSync(home)).toEqual([])
    expect(linesBeyondThisMachine(trace)).toEqual([])
    // The trace holds what the trainer did, not only what its parent did.
    expect(trace).toMatch(/execve\(.*trainer-child/)
  })

  test.skipIf(!canTraceWithoutNetwork())('would be caught if it did', async () => {
    // TEST-NET-1 (RFC 5737) belongs to nobody.
    const talk = "require('net').connect(9, '192.0.2.1').on('error', () => {})"
    const trace = await traceOf([process.execPath, '--eval', talk], {})
    expect(linesBeyondThisMachine(trace)).toHaveLength(1)
  })
})

describe('the sources', () => {
  const sources = repositoryFiles('.ts').filter(({ path }) => !/^(?:test|bench)\//.test(path))

  test('load ONNX Runtime in one place, after its telemetry was turned off', () => {
    const loads =
      /(?:^import (?!type)[^\n]*from|\bawait import\(|\brequire\()\s*'onnxruntime-node'/m
    const loaders = sources.filter(({ text }) => loads.test(text))
    expect(loaders.map(({ path }) => path)).toEqual(['training/trainer/ort-session.ts'])
    for (const { text } of loaders) {
      const turnedOff = text.indexOf("process.env.ORT_DISABLE_TELEMETRY = '1'")
      expect(turnedOff).toBeGreaterThan(-1)
      expect(turnedOff).toBeLessThan(text.search(/\bawait import\('onnxruntime-node'\)/))
    }
  })

  test('turn it off for each child that they fork', () => {
    const forks = sources.filter(({ text }) => /\bfork\(/.test(text))
    expect(forks.length).toBeGreaterThan(0)
    const silent = forks.filter(({ text }) => !text.includes("ORT_DISABLE_TELEMETRY: '1'"))
    expect(silent.map(({ path }) => path)).toEqual([])
  })
})

/** The system calls by which a program and its children speak to others, without a network. */
async function traceOf(
  command: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string },
): Promise<string> {
  const file = join(temporaryDirectory(), 'trace')
  const strace = [
    'strace',
    '-f',
    '-qq',
    '-s',
    '300',
    '-e',
    'trace=execve,connect,sendto,sendmsg',
    '-o',
    file,
  ]
  await run('unshare', ['--net', ...strace, ...command], options)
  return readFileSync(file, 'utf8')
}

/** Addresses of the internet; AF_UNIX and the loopback do not leave the machine. */
function linesBeyondThisMachine(trace: string): string[] {
  return trace
    .split('\n')
    .filter(line => /sa_family=AF_INET6?/.test(line))
    .filter(line => !/inet_addr\("127\.|inet_pton\(AF_INET6, "::1"/.test(line))
}

function canTraceWithoutNetwork(): boolean {
  if (!findCommand('strace') || !findCommand('unshare')) return false
  try {
    execFileSync('unshare', ['--net', 'strace', '-qq', '-o', '/dev/null', 'true'], {
      stdio: 'pipe',
    })
    return true
  } catch {
    return false
  }
}
