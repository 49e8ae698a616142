import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { BENCHES } from '../../../bench/registry.ts'
import { ROOT } from '../../support/root.ts'

function npmRunBench(...args: readonly string[]) {
  const run = spawnSync('npm', ['run', '--silent', 'bench', '--', ...args], { cwd: ROOT })
  return { exitCode: run.status, stdout: String(run.stdout), stderr: String(run.stderr) }
}

test('npm run bench alone lists every bench with the minutes it takes', () => {
  const { exitCode, stdout } = npmRunBench()
  expect(exitCode).toBe(0)
  for (const { name, minutes, description } of BENCHES) {
    expect(stdout).toMatch(new RegExp(`^ +${name} +${minutes} min +${description}$`, 'm'))
  }
})

test('no bench asks for more than twelve minutes', () => {
  expect(BENCHES.filter(({ minutes }) => minutes > 12)).toEqual([])
})

test('a bench that is not there is a wrong call, answered with the list', () => {
  const { exitCode, stderr } = npmRunBench('round-overhaed')
  expect(exitCode).toBe(64)
  expect(stderr).toContain('there is no bench round-overhaed')
  expect(stderr).toContain('round-overhead')
})
