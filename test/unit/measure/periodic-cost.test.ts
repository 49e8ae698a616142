import { createHook } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { type Probe, runProbe } from '../../../agent/measure/probe.ts'
import { buildProbes } from '../../../agent/measure/registry.ts'
import { SlotLoad } from '../../../agent/urp/slot-load.ts'
import { createLogger } from '../../../runtime/logger.ts'

const THIS_MACHINE = { procRoot: '/proc', sysRoot: '/sys' }
const log = createLogger({ daemon: 'test', level: 'silent' })

/** How many processes were started meanwhile. */
async function startedDuring(work: () => Promise<void>): Promise<number> {
  let count = 0
  const hook = createHook({
    init: (_, type) => {
      if (type === 'PROCESSWRAP') count += 1
    },
  }).enable()
  try {
    await work()
  } finally {
    hook.disable()
  }
  return count
}

test('what is read again and again starts no process', async () => {
  const {
    compute: _,
    link: __,
    ...probes
  } = buildProbes({
    link: { peer: () => undefined, bytesMax: 1 },
  })
  const units = ['cpu0']
  const load = new SlotLoad({
    ...THIS_MACHINE,
    slots: 2,
    slotMs: 100,
    units,
    computingShareMax: 1,
  })
  const started = await startedDuring(async () => {
    for (const probe of Object.values(probes)) {
      await runProbe(probe as Probe<unknown>, { roots: THIS_MACHINE, log })
    }
    load.edge(0)
    load.edge(1)
  })
  expect(started).toBe(0)
})

test('a process that is started would be seen', async () => {
  const started = await startedDuring(async () => {
    await once(spawn('true'), 'exit')
  })
  expect(started).toBe(1)
})
