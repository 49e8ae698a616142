import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RoundLog } from '../../../controller/rounds/round-log.ts'
import { temporaryDirectory } from '../../support/directories.ts'

const MIB = 2 ** 20

function recordOf(crId: number) {
  return {
    crId,
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:03.000Z',
    policy: 'greedy-gain',
    gain: 0,
    bound: 0,
    gap: 0,
    choices: [],
    contributions: [],
    models: [],
    excluded: [],
  }
}

function idsIn(path: string): number[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map(line => JSON.parse(line).crId)
}

test('each round is a line, in the folder that is made for it', async () => {
  const path = join(temporaryDirectory(), 'state', 'rounds.jsonl')
  const log = new RoundLog(path)
  for (const crId of [1, 2, 3]) await log.append(recordOf(crId))
  expect(idsIn(path)).toEqual([1, 2, 3])
  expect(JSON.parse(readFileSync(path, 'utf8').split('\n')[0] ?? '')).toEqual(recordOf(1))
})

test('a file that has grown to its bound moves aside, in place of the one before', async () => {
  const path = join(temporaryDirectory(), 'rounds.jsonl')
  const log = new RoundLog(path)
  await log.append(recordOf(1))
  truncateSync(path, 32 * MIB)
  await log.append(recordOf(2))
  expect(existsSync(`${path}.1`)).toBe(false)
  // Now it is larger than 32 MiB.
  await log.append(recordOf(3))
  expect(idsIn(path)).toEqual([3])
  expect(statSync(`${path}.1`).size).toBeGreaterThan(32 * MIB)
  truncateSync(path, 33 * MIB)
  await log.append(recordOf(4))
  expect(idsIn(path)).toEqual([4])
  expect(statSync(`${path}.1`).size).toBe(33 * MIB)
})
