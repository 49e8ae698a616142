import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { sharedFile, temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'

const run = promisify(execFile)

const MODEL = sharedFile('models/mnist-onnx/mnist.onnx')
const IMAGES = sharedFile('data/fashion-mnist/t2k-images-idx3-ubyte.gz')
const LABELS = sharedFile('data/fashion-mnist/t2k-labels-idx1-ubyte.gz')

test.skipIf(!MODEL || !IMAGES || !LABELS)(
  'every command of the page on bringing a model works, one after the other',
  { timeout: 120_000 },
  async () => {
    const page = readFileSync(join(ROOT, 'docs/how-to/bring-your-model.md'), 'utf8')
    const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block)
    expect(blocks).toHaveLength(6)
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', blocks.join('\n')], {
      cwd: ROOT,
      env: { ...process.env, MODEL, IMAGES, LABELS, WORK: temporaryDirectory() },
      timeout: 110_000,
    })
    expect(stdout).toContain('TRAINING  can be trained as it is')
    expect(stdout).toMatch(/largest relative error \d\.\d+e-[5-9]: within/)
    expect(stdout).toMatch(/held back: loss .* → loss .*, accuracy (?:[6-9]\d|100)/)
    expect(stdout).toMatch(/GRAPH {4}the same nodes/)
    expect(stdout).toContain('step.onnx')
  },
)
