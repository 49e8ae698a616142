import { expect, test } from 'vitest'
import { FleetWatch } from '../../../demo/fleet-watch.ts'
import { GainnetError } from '../../../runtime/errors.ts'
import { controller, newView, state } from './fleet-fixture.ts'

const soon = { ms: 5000, what: 'the test' }

function watchWithTexts(): { watch: FleetWatch; texts: string[] } {
  const texts: string[] = []
  return { watch: new FleetWatch(newView(), ({ text }) => texts.push(text)), texts }
}

test('a wait ends when a message makes it true', async () => {
  const { watch, texts } = watchWithTexts()
  const wait = watch.waitFor(view => view.controller === 'running', soon)
  watch.take(controller('waiting'))
  watch.take(controller('running'))
  await wait
  expect(texts).toEqual(['controller is waiting', 'controller is running'])
  await watch.waitFor(view => view.controller === 'running', soon)
})

test('a wait that takes too long says what it waited for', async () => {
  const { watch } = watchWithTexts()
  const wait = watch.waitFor(() => false, { ms: 20, what: 'agent-2 to be ready' })
  await expect(wait).rejects.toMatchObject({
    code: 'DEADLINE_PASSED',
    message: 'waited 0.02 s for agent-2 to be ready',
  })
})

test('a failure ends all waits, those to come as well', async () => {
  const { watch } = watchWithTexts()
  const died = new GainnetError('DAEMON_ENDED', 'agent-1 ended')
  const waits = [watch.waitFor(() => false, soon), watch.waitFor(() => false, soon)]
  watch.fail(died)
  watch.fail(new Error('a later one'))
  for (const wait of waits) await expect(wait).rejects.toBe(died)
  await expect(watch.waitFor(() => true, soon)).rejects.toBe(died)
})

test('only the last events are kept', () => {
  const { watch } = watchWithTexts()
  for (let turn = 0; turn < 60; turn++) {
    watch.take(state('agent-1', turn % 2 === 0 ? 'lost' : 'ready'))
  }
  expect(watch.events).toHaveLength(50)
})
