import { expect, test } from 'vitest'
import { topicsReference } from '../../../protocol/topics-reference.ts'

test('docs/reference/topics.md is what the table of messages says', async () => {
  await expect(topicsReference()).toMatchFileSnapshot('../../../docs/reference/topics.md')
})
