import { expect, test } from 'vitest'
import { matchesFilter } from '../../../protocol/topic-filter.ts'

test.each([
  ['a/b', 'a/b'],
  ['a/+', 'a/b'],
  ['+/+', 'a/'],
  ['a/#', 'a'],
  ['a/#', 'a/b/c'],
  ['#', 'a/b'],
  ['a/+/c/#', 'a/b/c/d/e'],
  ['$SYS/#', '$SYS/broker'],
])('%s takes %s', (filter, topic) => {
  expect(matchesFilter(filter, topic)).toBe(true)
})

test.each([
  ['a/b', 'a/b/c'],
  ['a/b/c', 'a/b'],
  ['a/+', 'a'],
  ['a/+', 'a/b/c'],
  ['+', '/a'],
  ['#', '$SYS/broker'],
  ['+/broker', '$SYS/broker'],
])('%s does not take %s', (filter, topic) => {
  expect(matchesFilter(filter, topic)).toBe(false)
})
