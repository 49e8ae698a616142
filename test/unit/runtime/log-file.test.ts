import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LogFile } from '../../../runtime/log-file.ts'
import { temporaryDirectory } from '../../support/directories.ts'

function openFolder({ bytesMax = 100, filesKept = 2 } = {}) {
  const folder = temporaryDirectory()
  const path = join(folder, 'agent.log')
  const open = () => new LogFile({ path, bytesMax, filesKept })
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  return { folder, path, open, names: () => readdirSync(folder).sort(), text }
}

/** Forty bytes: two fit into a file. */
const lineOf = (number: number) => `${String(number).padStart(39, '.')}\n`

test('a file that is full becomes the newest of the older ones, and the oldest goes', () => {
  const { open, names, text } = openFolder()
  const file = open()
  for (let number = 0; number < 9; number++) file.write(lineOf(number))
  expect(names()).toEqual(['agent.log', 'agent.log.1', 'agent.log.2'])
  expect(text('agent.log')).toBe(lineOf(8))
  expect(text('agent.log.1')).toBe(lineOf(6) + lineOf(7))
  expect(text('agent.log.2')).toBe(lineOf(4) + lineOf(5))
})

test('the next life of the daemon goes on where the last one ended', () => {
  const { open, names, text } = openFolder()
  open().write(lineOf(0))
  const file = open()
  for (const number of [1, 2]) file.write(lineOf(number))
  expect(names()).toEqual(['agent.log', 'agent.log.1'])
  expect(text('agent.log.1')).toBe(lineOf(0) + lineOf(1))
})

test('without older files there is one, which begins anew', () => {
  const { open, names, text } = openFolder({ filesKept: 0 })
  const file = open()
  for (let number = 0; number < 5; number++) file.write(lineOf(number))
  expect(names()).toEqual(['agent.log'])
  expect(text('agent.log')).toBe(lineOf(4))
})

test('a line longer than a file has one of its own', () => {
  const { open, text } = openFolder()
  const file = open()
  const long = `${'x'.repeat(200)}\n`
  for (const line of [lineOf(0), long, lineOf(1)]) file.write(line)
  expect([text('agent.log.2'), text('agent.log.1'), text('agent.log')]).toEqual([
    lineOf(0),
    long,
    lineOf(1),
  ])
})

test('where files cannot be moved the old lines give way', () => {
  const { folder, open, text } = openFolder({ filesKept: 1 })
  const file = open()
  // A folder with something in it cannot be replaced.
  mkdirSync(join(folder, 'agent.log.1'))
  writeFileSync(join(folder, 'agent.log.1', 'note'), '')
  for (let number = 0; number < 5; number++) file.write(lineOf(number))
  expect(text('agent.log')).toBe(lineOf(4))
})
