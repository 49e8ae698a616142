import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { findCommand } from '../../support/commands.ts'
import type { Losses } from './losses.ts'

// `npm run test:arm64-engine` gets both ready and names them: Node for arm64, and losses.ts compiled.
const node = process.env.GAINNET_ARM64_NODE
const program = process.env.GAINNET_ARM64_LOSSES
/** Runs programs of other processors; `-L` names the folder of their C library. */
const emulator = findCommand('qemu-aarch64-static')
const LIBRARIES = '/usr/aarch64-linux-gnu'
/** The processor of a Raspberry Pi 4. */
const CPU = 'cortex-a72'
/** Loading ONNX Runtime alone takes an emulated processor seconds. */
const RUN_MS_MAX = 540_000
/** Kernels of other processors add up in another order: 30 steps of Adam in float32 stay below it. */
const RELATIVE_DIFFERENCE_MAX = 1e-5

const isReady = Boolean(node && program && emulator)
const why = isReady ? '' : ' (skipped: run npm run test:arm64-engine, which installs what it needs)'

describe.skipIf(!isReady)(`training on an emulated ${CPU}${why}`, () => {
  let here: Losses
  let there: Losses

  beforeAll(async () => {
    here = await lossesOf(process.execPath, [])
    there = await lossesOf(emulator ?? '', ['-cpu', CPU, '-L', LIBRARIES, node ?? ''])
  }, RUN_MS_MAX)

  test('is on arm64, and compared with another kind of processor', () => {
    expect(there.arch).toBe('arm64')
    expect(here.arch).toBe(process.arch)
  })

  describe.each(['byte model', 'CNN'])('of the %s', name => {
    test.each(['scan', 'step'] as const)('in the %s form has the same losses', form => {
      const [expected, actual] = [here, there].map(({ models }) => models[name]?.[form] ?? [])
      expect(expected).toHaveLength(30)
      expect(relativeDifference(actual ?? [], expected ?? [])).toBeLessThan(RELATIVE_DIFFERENCE_MAX)
    })

    test('learns', () => {
      const { scan = [] } = there.models[name] ?? {}
      expect(scan.at(-1)).toBeLessThan((scan[0] ?? 0) * 0.8)
    })

    test('has the same losses in both forms', () => {
      const { scan = [], step = [] } = there.models[name] ?? {}
      expect(relativeDifference(step, scan)).toBeLessThan(RELATIVE_DIFFERENCE_MAX)
    })
  })
})

async function lossesOf(command: string, args: readonly string[]): Promise<Losses> {
  const options = { timeout: RUN_MS_MAX, env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } }
  const { stdout } = await promisify(execFile)(command, [...args, program ?? ''], options)
  // Our own program has written it.
  return JSON.parse(stdout) as Losses
}

/** The largest of all steps. */
function relativeDifference(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  const differences = expected.map((value, index) =>
    Math.abs(((actual[index] ?? Number.NaN) - value) / value),
  )
  return Math.max(...differences)
}
