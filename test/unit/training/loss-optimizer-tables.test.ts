import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lossKinds } from '../../../training/loss/registry.ts'
import { optimizerKinds } from '../../../training/optimizer/registry.ts'
import { ROOT } from '../../support/root.ts'

/** First cells of the first table under a heading of training/README.md. */
function firstCells(heading: string): string[] {
  const readme = readFileSync(join(ROOT, 'training/README.md'), 'utf8')
  const [, section = ''] = readme.split(`\n## ${heading}\n`)
  const [table = ''] = section.trimStart().split('\n\n')
  return [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name = '']) => name)
}

test('training/README.md names every loss, and no others', () => {
  expect(firstCells('Losses').toSorted()).toEqual(lossKinds.toSorted())
})

test('it names every optimizer, and no others', () => {
  const named = firstCells('Optimizers and what goes with them')
  expect(named.toSorted()).toEqual(optimizerKinds.toSorted())
})
