import { describe, expect, test } from 'vitest'
import {
  type Identity,
  mayPublish,
  maySubscribe,
  mosquittoAccess,
} from '../../../../controller/broker/access-rules.ts'
import { MESSAGES } from '../../../../protocol/messages.ts'

const AGENT: Identity = { username: 'pi-04', role: 'agent' }
const OBSERVER: Identity = { username: 'eye', role: 'observer' }
const CONTROLLER: Identity = { username: 'edge', role: 'controller' }
const ROWS = Object.entries(MESSAGES)

/** The topic of a row with the id of one agent and with something in every other place. */
function topicOf(template: string, agentId: string): string {
  return `gainnet/v1/home/${template.replace('{agentId}', agentId).replace(/\{\w+\}/g, '7')}`
}

describe('what an agent may publish', () => {
  test.each(ROWS)('%s: below its own id where the table names it as writer', (_, row) => {
    const topic = topicOf(row.topic, 'pi-04')
    expect(mayPublish('home', AGENT, { topic, retain: row.retain })).toBe(row.writer === 'agent')
  })

  test.each(ROWS)('%s: never below the id of another', (_, row) => {
    const topic = topicOf(row.topic, 'pi-05')
    const open = mayPublish('home', AGENT, { topic, retain: false })
    expect(open).toBe(false)
  })

  test('retained only where the row is retained', () => {
    const topic = 'gainnet/v1/home/agent/pi-04/update/7/block/0'
    expect(mayPublish('home', AGENT, { topic, retain: false })).toBe(true)
    expect(mayPublish('home', AGENT, { topic, retain: true })).toBe(false)
  })

  test.each([
    'gainnet/v1/lab/agent/pi-04/state',
    'gainnet/v2/home/agent/pi-04/state',
    'gainnet/v1/home/agent/pi-04',
    'gainnet/v1/home/agent/pi-04/state/more',
    'gainnet/v1/home/agent/pi-04/rubbish',
    '$SYS/broker/uptime',
    '',
  ])('not %j', topic => {
    expect(mayPublish('home', AGENT, { topic, retain: false })).toBe(false)
  })
})

describe('what others may publish', () => {
  test.each(ROWS)('%s: the controller may, an observer may not', (_, row) => {
    const topic = topicOf(row.topic, 'pi-04')
    expect(mayPublish('home', CONTROLLER, { topic, retain: true })).toBe(true)
    expect(mayPublish('home', OBSERVER, { topic, retain: false })).toBe(false)
  })

  test('the topics of the broker itself are closed to all', () => {
    expect(mayPublish('home', CONTROLLER, { topic: '$SYS/x', retain: false })).toBe(false)
  })
})

describe('what may be subscribed to', () => {
  test.each([
    'gainnet/v1/home/agent/pi-04/#',
    'gainnet/v1/home/agent/pi-04/update/+/ack',
    'gainnet/v1/home/agent/pi-04/assignment',
    'gainnet/v1/home/ctl/#',
    'gainnet/v1/home/ctl/blob/+/+',
  ])('an agent: %s', filter => {
    expect(maySubscribe('home', AGENT, filter)).toBe(true)
  })

  test.each([
    '#',
    '+/v1/home/ctl/state',
    'gainnet/v1/home/#',
    'gainnet/v1/home/agent/#',
    'gainnet/v1/home/agent/+/state',
    'gainnet/v1/home/agent/pi-045/state',
    'gainnet/v1/home/agent/pi-05/assignment',
    'gainnet/v1/+/ctl/state',
    'gainnet/v1/lab/ctl/state',
    '$SYS/#',
  ])('not an agent: %s', filter => {
    expect(maySubscribe('home', AGENT, filter)).toBe(false)
    expect(maySubscribe('home', OBSERVER, filter)).toBe(true)
    expect(maySubscribe('home', CONTROLLER, filter)).toBe(true)
  })
})

test('the acl_file of Mosquitto says the same', () => {
  const text = mosquittoAccess('home', [CONTROLLER, OBSERVER, AGENT])
  expect(text).toContain('user edge\ntopic readwrite #\n')
  expect(text).toContain('user eye\ntopic read #\n')
  expect(text).toContain('topic read gainnet/v1/home/agent/pi-04/#\n')
  expect(text).toContain('topic read gainnet/v1/home/ctl/#\n')
  expect(text).toContain('topic write gainnet/v1/home/agent/pi-04/update/+/block/+\n')
  const writable = text.split('\n').filter(line => line.startsWith('topic write '))
  expect(writable).toHaveLength(ROWS.filter(([, row]) => row.writer === 'agent').length)
})
