import { cpSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MessageOutbox, type MessageOutboxOptions } from '../../../agent/outbox/message-outbox.ts'
import { GainnetError } from '../../../runtime/errors.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { canMountTmpfs, temporaryDirectory, tinyTmpfs } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'
import { FullableDisk } from './fullable-disk.ts'

const { log } = testLog()
const random = seededRandom(1)

function openOutbox(options: Partial<MessageOutboxOptions> & { directory: string }) {
  const bytesMax = 1024 * 1024
  return MessageOutbox.open({ bytesMax, send: async () => {}, log, random, ...options })
}

function message(text: string, kind: 'event' | 'status' = 'status') {
  return { class: kind, topic: 'a/b', payload: Buffer.from(text) }
}

function lost(ending: string) {
  return new GainnetError('BROKER_UNREACHABLE', 'lost', { sent: true, ending })
}

describe('the outbox', () => {
  test('keeps what is produced while the gate is closed, over a restart, and delivers it in order', async () => {
    const directory = temporaryDirectory()
    const first = await openOutbox({ directory })
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) => first.append(message(`${index}`))),
    )
    expect(new Set(outcomes)).toEqual(new Set(['stored']))
    await first.close()
    const received: string[] = []
    const second = await openOutbox({
      directory,
      send: async (_, payload) => {
        received.push(Buffer.from(payload).toString())
      },
    })
    expect(second.status).toMatchObject({ produced: 50, storedMessages: 50, delivered: 0 })
    second.open()
    await waitFor(() => second.status.delivered === 50, { what: 'all are delivered' })
    expect(received).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`))
    await second.close()
    const third = await openOutbox({ directory })
    expect(third.status).toMatchObject({
      produced: 50,
      storedMessages: 0,
      delivered: 50,
      dropped: 0,
    })
    await third.close()
  })

  test('has a bounded number on their way, and sends again what was not acknowledged', async () => {
    const directory = temporaryDirectory()
    const open: { reject(error: Error): void; resolve(): void }[] = []
    const outbox = await openOutbox({
      directory,
      send: () => new Promise<void>((resolve, reject) => open.push({ resolve, reject })),
    })
    for (let index = 0; index < 40; index++) await outbox.append(message(`${index}`))
    outbox.open()
    await waitFor(() => open.length === 16, { what: 'sixteen are on their way' })
    outbox.hold()
    for (const { reject } of open.splice(0)) reject(lost('silent'))
    outbox.open()
    await waitFor(
      () => {
        for (const { resolve } of open.splice(0)) resolve()
        return outbox.status.delivered === 40
      },
      { what: 'all are delivered' },
    )
    expect(outbox.status.storedMessages).toBe(0)
    await outbox.close()
  })

  test('at its bound the oldest events go first, and each is counted', async () => {
    const directory = temporaryDirectory()
    const bytesMax = 64 * 1024
    const outbox = await openOutbox({ directory, bytesMax })
    const body = 'x'.repeat(500)
    for (let index = 0; index < 60; index++) await outbox.append(message(`s${body}`, 'status'))
    for (let index = 0; index < 200; index++) await outbox.append(message(`e${body}`, 'event'))
    const { status } = outbox
    expect(status.storedBytes).toBeLessThanOrEqual(bytesMax)
    expect(status.dropped).toBe(status.droppedFor.overflow)
    expect(status.dropped).toBeGreaterThan(100)
    expect(status.produced).toBe(status.storedMessages + status.dropped)
    const received: string[] = []
    await outbox.close()
    const again = await openOutbox({
      directory,
      bytesMax,
      send: async (_, payload) => {
        received.push(Buffer.from(payload).toString()[0] ?? '')
      },
    })
    again.open()
    await waitFor(() => again.status.storedMessages === 0, { what: 'the rest is delivered' })
    expect(received.filter(kind => kind === 's')).toHaveLength(60)
    await again.close()
  })

  test('a message on which the broker disconnects is set aside, and the others go through', async () => {
    const directory = temporaryDirectory()
    const received: string[] = []
    const quarantined: string[] = []
    const outbox = await openOutbox({
      directory,
      send: async (_, payload) => {
        const text = Buffer.from(payload).toString()
        if (text === '3') throw lost('closed-by-peer')
        received.push(text)
      },
      onQuarantined: (_, file) => quarantined.push(file),
    })
    for (let index = 0; index < 8; index++) await outbox.append(message(`${index}`))
    outbox.open()
    await waitFor(() => outbox.status.storedMessages === 0, { what: 'nothing is left' })
    expect([...new Set(received)].sort()).toEqual(['0', '1', '2', '4', '5', '6', '7'])
    expect(outbox.status.droppedFor.quarantined).toBe(1)
    await waitFor(() => quarantined.length === 1, { what: 'it is reported' })
    expect(statSync(quarantined[0] ?? '').size).toBeGreaterThan(0)
    await outbox.close()
    const again = await openOutbox({ directory })
    expect(again.status).toMatchObject({ storedMessages: 0, dropped: 1, delivered: 7 })
    await again.close()
  })

  test('no message is lost to a broker that is away or silent, however often', async () => {
    const directory = temporaryDirectory()
    let failures = 12
    const received = new Set<string>()
    const outbox = await openOutbox({
      directory,
      send: async (_, payload) => {
        if (failures-- > 0) throw lost(failures % 2 ? 'unreachable' : 'silent')
        received.add(Buffer.from(payload).toString())
      },
    })
    for (let index = 0; index < 5; index++) await outbox.append(message(`${index}`))
    await waitFor(
      () => {
        outbox.open()
        return received.size === 5
      },
      { what: 'all arrived' },
    )
    expect(outbox.status.dropped).toBe(0)
    await outbox.close()
  })

  test.skipIf(!canMountTmpfs)(
    'on a full disk it says so, keeps a bounded rest in memory, counts the others and heals (needs root for a tmpfs)',
    { timeout: 60_000 },
    async () => {
      const directory = tinyTmpfs(64 * 1024)
      const reasons: (string | null)[] = []
      const received = new Set<string>()
      const outbox = await openOutbox({
        directory,
        send: async (_, payload) => {
          received.add(Buffer.from(payload).toString().slice(0, 5))
        },
        onDegraded: reason => reasons.push(reason),
      })
      const outcomes: string[] = []
      for (let index = 0; index < 700; index++) {
        const text = `${String(index).padStart(5, '0')}${'x'.repeat(600)}`
        outcomes.push(await outbox.append(message(text, index % 2 ? 'event' : 'status')))
      }
      expect(outcomes[0]).toBe('stored')
      expect(outcomes).toContain('memory')
      expect(reasons[0]).toContain('ENOSPC')
      const { status } = outbox
      expect(status.degraded).toContain('ENOSPC')
      expect(status.droppedFor.disk).toBeGreaterThan(0)
      expect(status.produced).toBe(700)
      expect(status.storedMessages + status.dropped).toBe(700)
      outbox.open()
      await waitFor(() => outbox.status.storedMessages === 0, { what: 'the rest is delivered' })
      expect(received.size).toBe(outbox.status.delivered)
      await waitFor(() => outbox.status.degraded === null, { ms: 40_000, what: 'it heals' })
      expect(reasons.at(-1)).toBeNull()
      await waitFor(async () => (await outbox.append(message('after'))) === 'stored', {
        what: 'it stores again',
      })
      await outbox.close()
      const again = await openOutbox({ directory })
      const { produced, delivered, storedMessages, dropped } = again.status
      expect(produced).toBe(delivered + storedMessages + dropped)
      expect(delivered).toBe(received.size)
      await again.close()
    },
  )
})

type Step =
  | { readonly do: 'produce'; readonly count: number; readonly kind: 'event' | 'status' }
  | { readonly do: 'link'; readonly isUp: boolean }
  | { readonly do: 'disk'; readonly isFull: boolean }
  | { readonly do: 'crash'; readonly isClean: boolean }
  | { readonly do: 'wait' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('produce' as const),
    count: fc.integer({ min: 1, max: 30 }),
    kind: fc.constantFrom('event' as const, 'status' as const),
  }),
  fc.record({ do: fc.constant('link' as const), isUp: fc.boolean() }),
  fc.record({ do: fc.constant('disk' as const), isFull: fc.boolean() }),
  fc.record({ do: fc.constant('crash' as const), isClean: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const) }),
)

describe('conservation', () => {
  test('produced = delivered + stored + dropped for any schedule of crashes, outages and full disks', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), runSchedule),
      // A schedule syncs its disk many times: how many fit depends on the machine.
      { numRuns: 60, interruptAfterTimeLimit: 60_000 },
    )
  })
})

/** Runs the schedule on a real directory; a crash goes on with a copy taken at that moment. */
async function runSchedule(steps: readonly Step[]): Promise<void> {
  let directory = join(temporaryDirectory(), 'outbox')
  const disk = new FullableDisk()
  const received = new Set<string>()
  /** Told to the producer as being on disk. */
  const promised = new Set<string>()
  const gone = new Set<string>()
  let [isUp, count, unsure] = [false, 0, 0]
  const open = (): Promise<MessageOutbox> => {
    let isMine = true
    const life = { end: () => (isMine = false) }
    lives.push(life)
    return openOutbox({
      directory,
      bytesMax: 24 * 1024,
      openFile: disk.openFile,
      send: async (_, payload) => {
        await Promise.resolve()
        if (!isUp || !isMine) throw lost('silent')
        received.add(Buffer.from(payload).toString().slice(0, 6))
      },
    })
  }
  const lives: { end(): unknown }[] = []
  let outbox = await open()
  const check = (): void => {
    const { produced, delivered, storedMessages, dropped } = outbox.status
    expect(produced).toBe(delivered + storedMessages + dropped)
    expect(storedMessages).toBeGreaterThanOrEqual(0)
  }
  const restart = async (isClean: boolean): Promise<void> => {
    if (isClean) await outbox.close()
    else lives.at(-1)?.end()
    const copy = join(temporaryDirectory(), 'outbox')
    cpSync(directory, copy, { recursive: true })
    const old = outbox
    directory = copy
    outbox = await open()
    unsure += isClean && !disk.isFull ? 0 : 1
    await old.close()
    if (isUp) outbox.open()
  }
  for (const one of steps) {
    if (one.do === 'produce') {
      const made = Array.from({ length: one.count }, () => String(count++).padStart(6, '0'))
      const outcomes = made.map(async name => {
        const outcome = await outbox.append(message(name + 'x'.repeat(200), one.kind))
        if (outcome === 'stored') promised.add(name)
        if (outcome === 'dropped') gone.add(name)
      })
      await Promise.all(outcomes)
    } else if (one.do === 'link') {
      isUp = one.isUp
      if (isUp) outbox.open()
      else outbox.hold()
    } else if (one.do === 'disk') disk.isFull = one.isFull
    else if (one.do === 'crash') await restart(one.isClean)
    else await new Promise(resolve => setImmediate(resolve))
    check()
  }
  // At the end the link is good: what is left arrives, and the books agree with the receiver.
  disk.isFull = false
  isUp = true
  await waitFor(
    () => {
      outbox.open()
      return outbox.status.storedMessages === 0
    },
    { what: `all is delivered: ${JSON.stringify(outbox.status)}` },
  )
  check()
  const { delivered, droppedFor } = outbox.status
  expect(delivered).toBeLessThanOrEqual(count)
  const missing = [...promised].filter(name => !received.has(name))
  expect(missing.length).toBeLessThanOrEqual(droppedFor.overflow + droppedFor.crash)
  if (unsure === 0) {
    expect(delivered).toBe(received.size)
    expect(outbox.status.produced).toBe(count)
    expect(droppedFor.crash).toBe(0)
  }
  await outbox.close()
  expect(readdirSync(join(directory, 'messages')).length).toBeLessThanOrEqual(1)
}
