import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../../../../runtime/errors.ts'
import { decodeModel } from '../../../../training/onnx/onnx-codec.ts'
import { ROOT } from '../../../support/root.ts'
import { unfoldingFiles } from './unfolding-files.ts'

const MEBIBYTE = 2 ** 20
const FILE_BYTES = 4 * MEBIBYTE
const SCRIPT = join(ROOT, 'test/integration/training/hostile-files/measure-reading.ts')
const TEST_MS = 60_000

describe('a file that unfolds', () => {
  test.each([
    'empty nodes',
    'inputs without a name',
    'packed numbers of a byte',
    'numbers apart',
    'empty strings',
  ])('takes no more memory than 4 times its size and 64 MiB: %s', { timeout: TEST_MS }, name => {
    const options = ['--import', 'tsx', '--expose-gc', SCRIPT, name, String(FILE_BYTES)]
    const output = execFileSync(process.execPath, options, { cwd: ROOT, encoding: 'utf8' })
    const { risen, outcome } = JSON.parse(output) as { risen: number; outcome: string }
    expect(outcome).toMatch(/^was read$|would take more than .* \(at byte \d+\)$/)
    expect(risen, `${risen / MEBIBYTE} MiB`).toBeLessThan(4 * FILE_BYTES + 64 * MEBIBYTE)
  })

  test.each([...unfoldingFiles(MEBIBYTE)])(
    'is read or refused: %s',
    { timeout: TEST_MS },
    (_, bytes) => {
      try {
        decodeModel(bytes)
      } catch (error) {
        expect(hasCode(error, 'MODEL_INVALID') && error.message).toMatch(/\(at byte \d+\)$/)
      }
    },
  )
})
