import { appendFileSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DeliveryLedger } from '../../../controller/transfer/delivery-ledger.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'

const { log } = testLog()

describe('the ledger of deliveries', () => {
  test('takes each message once, over restarts too', async () => {
    const path = join(temporaryDirectory(), 'deliveries')
    const first = await DeliveryLedger.open({ path, log })
    expect(first.isNew('pi-04', 17, 3)).toBe(true)
    expect(first.isNew('pi-04', 17, 3)).toBe(false)
    expect(first.isNew('pi-05', 17, 3)).toBe(true)
    await first.close()
    const second = await DeliveryLedger.open({ path, log })
    expect(second.isNew('pi-04', 17, 3)).toBe(false)
    expect(second.isNew('pi-04', 18, 0)).toBe(true)
    await second.close()
  })

  test('messages that overtake each other on their way are all taken, once', async () => {
    const path = join(temporaryDirectory(), 'deliveries')
    const ledger = await DeliveryLedger.open({ path, log })
    const order = fc.shuffledSubarray(Array.from({ length: 16 }, (_, index) => index))
    let session = 1
    fc.assert(
      fc.property(order, sequences => {
        session += 1
        for (const sequence of sequences) expect(ledger.isNew('a', session, sequence)).toBe(true)
        for (const sequence of sequences) expect(ledger.isNew('a', session, sequence)).toBe(false)
      }),
    )
    await ledger.close()
  })

  test('what lies far behind counts as taken', async () => {
    const path = join(temporaryDirectory(), 'deliveries')
    const ledger = await DeliveryLedger.open({ path, log })
    for (let sequence = 1000; sequence < 2000; sequence++) ledger.isNew('a', 5, sequence)
    expect(ledger.isNew('a', 4, 1)).toBe(false)
    expect(ledger.isNew('a', 5, 1001)).toBe(false)
    await ledger.close()
  })

  test('a torn last line is not read as a shorter number', async () => {
    const path = join(temporaryDirectory(), 'deliveries')
    const first = await DeliveryLedger.open({ path, log })
    first.isNew('a', 1, 10)
    first.isNew('a', 1, 123)
    await first.close()
    truncateSync(path, readFileSync(path).length - 2)
    appendFileSync(path, '')
    const second = await DeliveryLedger.open({ path, log })
    expect(second.isNew('a', 1, 12)).toBe(true)
    expect(second.isNew('a', 1, 123)).toBe(true)
    expect(second.isNew('a', 1, 10)).toBe(false)
    await second.close()
  })

  test('an agent that was forgotten may begin anew', async () => {
    const path = join(temporaryDirectory(), 'deliveries')
    const ledger = await DeliveryLedger.open({ path, log })
    ledger.isNew('a', 9, 9)
    await ledger.forget('a')
    expect(ledger.isNew('a', 1, 0)).toBe(true)
    await ledger.close()
  })
})
