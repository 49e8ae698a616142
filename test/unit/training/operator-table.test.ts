import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { differentiableOps, opsWithoutGradient } from '../../../training/gradient/registry.ts'
import { findTypeRule } from '../../../training/types/registry.ts'
import { ROOT } from '../../support/root.ts'

/** Rows of the table of operators in training/README.md. */
function readRows(): readonly { readonly family: string; readonly operators: readonly string[] }[] {
  const readme = readFileSync(join(ROOT, 'training/README.md'), 'utf8')
  const [, section = ''] = readme.split('## What is differentiated')
  const [table = ''] = section.split('\n## ')
  return table.split('\n').flatMap(line => {
    const [, family = '', operators = ''] = line.split('|')
    const names = [...operators.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
    return names.length === 0 ? [] : [{ family: family.trim(), operators: names }]
  })
}

const rows = readRows()

test('training/README.md names every operator with a gradient, and no others', () => {
  const named = rows.filter(({ family }) => family !== 'no gradient')
  expect(named.flatMap(({ operators }) => operators).toSorted()).toEqual(
    differentiableOps.toSorted(),
  )
})

test('it names every operator without a gradient', () => {
  const named = rows.find(({ family }) => family === 'no gradient')
  expect(named?.operators.toSorted()).toEqual(opsWithoutGradient.toSorted())
})

test('each operator stands in the file of its family', () => {
  for (const { family, operators } of rows) {
    const [, file] = /`(.+)`/.exec(family) ?? []
    if (!file) continue
    const text = readFileSync(join(ROOT, 'training/gradient', file), 'utf8')
    for (const operator of operators)
      expect(text, file).toMatch(new RegExp(`^  ${operator}\\b`, 'm'))
  }
})

test('every operator with a gradient has a type rule', () => {
  expect(differentiableOps.filter(opType => !findTypeRule(opType))).toEqual([])
})
