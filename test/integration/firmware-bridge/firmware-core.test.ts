import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/directories.ts'
import { FIRMWARE, missingFirmwareTools } from '../../support/emulated-board.ts'

const run = promisify(execFile)

async function make(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('make', ['-s', '-C', FIRMWARE, ...args])
  return stdout
}

describe.skipIf(missingFirmwareTools.length > 0)('the core of the firmware', () => {
  // Of a test each: the folder goes with it.
  const folder = () => `BUILD=${temporaryDirectory()}`

  test('holds its unit tests under the sanitizers, without a warning', async () => {
    const said = await make('test', folder())
    expect(said).not.toContain('FAILED')
    expect(said.match(/^ok /gm)?.length).toBeGreaterThanOrEqual(14)
  })

  test('survives noise and broken requests under the sanitizers, and answers after them', async () => {
    expect(await make('fuzz', folder(), 'RUNS=4000', 'SEED=11')).toContain('4000 runs from seed 11')
  })

  test('takes no heap: the firmware for the board has no allocator', async () => {
    const build = folder()
    await make(build)
    const { stdout } = await run('arm-none-eabi-nm', [`${build.slice(6)}/lm3s6965.elf`])
    expect(stdout).toContain('gn_device_poll')
    expect(stdout).not.toMatch(/malloc|sbrk|calloc/)
  })
})
