import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CrCounter } from '../../../controller/rounds/cr-counter.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'

async function openCounter(stateDirectory: string) {
  const { log, lines } = testLog()
  const counter = new CrCounter({ stateDirectory, log })
  await counter.open()
  return { counter, lines }
}

test('ids count from 1', async () => {
  const { counter } = await openCounter(temporaryDirectory())
  const ids: number[] = []
  for (let count = 0; count < 250; count++) ids.push(await counter.next())
  expect(ids).toEqual(Array.from({ length: 250 }, (_, index) => index + 1))
})

test('no id comes twice, however often and wherever the controller dies', async () => {
  const directory = temporaryDirectory()
  const ids: number[] = []
  // Each life takes some ids and ends without a word.
  for (const life of [1, 3, 99, 100, 101, 250, 1]) {
    const { counter } = await openCounter(directory)
    for (let count = 0; count < life; count++) ids.push(await counter.next())
  }
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toEqual([...ids].sort((a, b) => a - b))
})

test('a life that ran no round takes no ids with it', async () => {
  const directory = temporaryDirectory()
  await openCounter(directory)
  expect(await (await openCounter(directory)).counter.next()).toBe(1)
})

test('while the disk takes nothing the rounds go on, and it is tried again at each', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'cr-counter.json')
  const { counter, lines } = await openCounter(directory)
  // A folder of that name: no file can take its place.
  mkdirSync(join(path, 'full'), { recursive: true })
  expect([await counter.next(), await counter.next()]).toEqual([1, 2])
  expect(lines.map(({ msg, crId }) => `${crId}: ${msg}`)).toEqual([
    '1: ids of rounds cannot be reserved',
    '2: ids of rounds cannot be reserved',
  ])
  rmSync(path, { recursive: true })
  expect([await counter.next(), await counter.next()]).toEqual([3, 4])
  expect(lines).toHaveLength(2)
  expect(await (await openCounter(directory)).counter.next()).toBe(103)
})

test.each(['{', '{"firstUnusedCrId":0}', '{"firstUnusedCrId":"7"}'])(
  'a damaged file, %j, is named instead of counted on',
  async text => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'cr-counter.json'), text)
    await expect(openCounter(directory)).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_UNUSABLE',
      message: expect.stringContaining('cr-counter.json does not say'),
    })
  },
)
