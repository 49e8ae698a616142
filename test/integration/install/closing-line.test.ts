import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'

const run = promisify(execFile)

test.each([
  [
    'of every kind',
    '1 passed, 2 failed, 1 skipped',
    {
      'a.test.js': "test('holds', () => {}); test.skip('waits', () => {})",
      'b.test.js': "test('fails', () => { throw new Error('no') })",
      'c.test.js': "test('fails too', () => expect(1).toBe(2))",
    },
  ],
  [
    'that all hold',
    '2 passed, 0 failed, 0 skipped',
    {
      'a.test.js': "test('one', () => {}); test('two', () => {})",
    },
  ],
  [
    'in a file that cannot be read',
    '1 passed, 1 failed, 0 skipped',
    {
      'a.test.js': "import './nothing.js'",
      'b.test.js': "test('holds', () => {})",
    },
  ],
  [
    'whose set-up fails',
    '0 passed, 1 failed, 1 skipped',
    {
      'a.test.js': "beforeAll(() => { throw new Error('no') }); test('is not reached', () => {})",
    },
  ],
  [
    'with an error that no test awaits',
    '1 passed, 1 failed, 0 skipped',
    {
      'a.test.js': "test('holds', () => { void Promise.reject(new Error('lost')) })",
    },
  ],
  ['that are not there', '0 passed, 1 failed, 0 skipped', {}],
])('a run of tests %s ends with its counts', async (_, line, files) => {
  const { code, stdout } = await runTests(files)
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(line)
  expect(code === 0).toBe(line.includes(' 0 failed'))
})

test('a run names the tests that passed at the second attempt only', async () => {
  const { code, stdout } = await runTests({
    'a.test.js': "let tries = 0; test('wavers', { retry: 1 }, () => expect(++tries).toBe(2))",
  })
  expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([
    'passed at the second attempt only: a.test.js > wavers',
    '1 passed, 0 failed, 0 skipped',
  ])
  expect(code).toBe(0)
})

async function runTests(files: Readonly<Record<string, string>>) {
  const root = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  const reporter = JSON.stringify(join(ROOT, 'test/support/closing-line-reporter.ts'))
  writeFileSync(
    join(root, 'vitest.config.mjs'),
    `import { ClosingLineReporter } from ${reporter}
     export default { test: { globals: true, reporters: ['default', new ClosingLineReporter()] } }`,
  )
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  return run(process.execPath, [vitest, 'run', '--root', root]).then(
    ({ stdout }) => ({ code: 0, stdout }),
    error => ({ code: error.code, stdout: error.stdout }),
  )
}
