import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSensors } from '../../../agent/sensors/open-sensors.ts'
import type { SensorChange } from '../../../agent/sensors/sensor-watch.ts'
import { PartStack } from '../../../runtime/shutdown.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'

const MINUTE_MS = 60_000
const OPTIONS = {
  seed: 1,
  radio: () => {
    throw new Error('there are no radios')
  },
  onCell: () => undefined,
}

function fill(path: string): void {
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'one.txt'), 'some text. '.repeat(20))
}

async function openOn(...paths: readonly string[]) {
  const clock = new VirtualClock()
  const { log, lines } = testLog()
  const parts = new PartStack(log)
  const configs = paths.map((path, index) => ({
    kind: 'text-folder' as const,
    id: `text-${index}`,
    path,
    bytesPerSecond: 1000,
  }))
  const changes: string[] = []
  const onChange = ({ sensor, status }: SensorChange) => changes.push(`${sensor} ${status}`)
  const sensors = await clock.run(openSensors(configs, { ...OPTIONS, clock, parts, onChange, log }))
  const said = (message: string) => lines.filter(({ msg }) => msg === message).length
  /** Time passes, and stands still while somebody waits for the disk. */
  const pass = async (ms: number, isEnough = () => false): Promise<number> => {
    const startedAt = clock.now()
    while (clock.now() - startedAt < ms && !isEnough()) {
      await clock.advance(500)
      await waitFor(() => clock.timerCount >= sensors.length, { what: 'all have a timer again' })
    }
    return clock.now() - startedAt
  }
  /** How long it took until the sensor was found, at most two minutes. */
  const found = async (index: number): Promise<number> => {
    const ms = await pass(2 * MINUTE_MS, () => sensors[index]?.status === 'ok')
    expect(sensors[index]?.status).toBe('ok')
    return ms
  }
  return { clock, parts, sensors, changes, said, pass, found }
}

test('a sensor that is not there at the start keeps nobody from starting, and is found later', async () => {
  const [there, missing] = [temporaryDirectory(), join(temporaryDirectory(), 'card')]
  fill(there)
  const { parts, sensors, changes, said, pass, found } = await openOn(there, missing)
  expect(sensors.map(({ id, status }) => `${id} ${status}`)).toEqual(['text-0 ok', 'text-1 lost'])
  await pass(10 * MINUTE_MS)
  expect(said('sensor cannot be opened')).toBe(1)
  const attempts = said('sensor still cannot be opened')
  // Once or twice a second, for ever: neither a storm nor given up.
  expect(attempts).toBeGreaterThanOrEqual(500)
  expect(attempts).toBeLessThanOrEqual(1300)
  fill(missing)
  expect(await found(1)).toBeLessThanOrEqual(3000)
  await pass(2000, () => changes.length === 2)
  expect(changes).toEqual(['text-1 lost', 'text-1 ok'])
  await parts.stop()
})

test('a sensor that is lost is found again without anybody asking it to record', async () => {
  const path = temporaryDirectory()
  fill(path)
  const { clock, parts, sensors, found } = await openOn(path)
  rmSync(join(path, 'one.txt'))
  const signal = new AbortController().signal
  const order = { untilMs: clock.now() + 5000, rowsMax: 5000, signal }
  await clock.run(sensors[0]?.record(order) ?? Promise.reject(new Error('no sensor')))
  expect(sensors[0]?.status).toBe('lost')
  fill(path)
  expect(await found(0)).toBeLessThanOrEqual(10_000)
  expect(sensors[0]?.figures()).not.toBeNull()
  await parts.stop()
})

test('with the part its timer is stopped, and nobody looks any more', async () => {
  const path = join(temporaryDirectory(), 'card')
  const { clock, parts, sensors } = await openOn(path)
  await parts.stop()
  expect(clock.timerCount).toBe(0)
  fill(path)
  await clock.advance(10 * MINUTE_MS)
  expect(sensors[0]?.status).toBe('lost')
  expect(clock.timerCount).toBe(0)
})
