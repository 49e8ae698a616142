import { describe, expect, test } from 'vitest'
import { MESSAGES, type MessageName } from '../../../protocol/messages.ts'
import { filterFor, parseTopic, topicFor } from '../../../protocol/topics.ts'

const NAMES = Object.keys(MESSAGES) as MessageName[]

describe('topics', () => {
  test.each(NAMES)('the topic of %s is read as what it was written from', name => {
    const parameters = Object.fromEntries(
      [...MESSAGES[name].topic.matchAll(/\{(\w+)\}/g)].map(([, key = '']) => [
        key,
        `${key.length}`,
      ]),
    )
    const topic = topicFor('home', name, parameters as never)
    expect(parseTopic('home', topic)).toEqual({ name, parameters })
  })

  test('no two messages share a topic', () => {
    const shapes = NAMES.map(name => MESSAGES[name].topic.replace(/\{\w+\}/g, '+'))
    expect(new Set(shapes).size).toBe(NAMES.length)
  })

  test('what is left out of a filter stands for all', () => {
    expect(filterFor('home', 'updateBlock', { agentId: 'pi-04' })).toBe(
      'gainnet/v1/home/agent/pi-04/update/+/block/+',
    )
  })

  test.each([
    'gainnet/v1/away/agent/pi-04/state',
    'gainnet/v2/home/agent/pi-04/state',
    'gainnet/v1/home/agent/Pi_04/state',
    'gainnet/v1/home/agent//state',
    'gainnet/v1/home/agent/pi-04/state/more',
    'gainnet/v1/home/nothing',
    '',
  ])('%j is none of ours', topic => {
    expect(parseTopic('home', topic)).toBeNull()
  })
})
