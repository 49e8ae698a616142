import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  LabelFile,
  labelTimes,
  parseLabelIntervals,
} from '../../../../agent/samples/label-intervals.ts'
import { Labelling } from '../../../../agent/samples/labelling.ts'
import { classesTold, lastTold } from '../../../../agent/samples/teacher.ts'
import { ReplaySensor } from '../../../../agent/sensors/replay/replay-sensor.ts'
import type { RowForm } from '../../../../protocol/row-form.ts'
import { temporaryDirectory } from '../../../support/directories.ts'
import { testLog } from '../../../support/test-log.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'

describe('a table of labels', () => {
  test('has times in either way, and the later row holds where two overlap', () => {
    const text = 'class,from,to\n1,1000,2000\n2,1970-01-01T00:00:01.500Z,3000\n'
    const intervals = parseLabelIntervals(text, 'labels.csv')
    const at = Float64Array.of(999, 1000, 1499, 1500, 2999, 3000)
    expect([...labelTimes(at, intervals)]).toEqual([-1, 1, 1, 2, 2, -1])
  })

  test.each([
    ['from,to\n1,2\n', 'has no column class, but from,to'],
    ['from,to,class\n2,1,0\n', 'has 2,1,0 in row 1'],
    ['from,to,class\n1,2,\n', 'in row 1'],
    ['from,to,class\n1,2,-3\n', 'in row 1'],
    ['from,to,class\n1,2,run\n', 'in row 1'],
    ['from,to,class\nsoon,2,1\n', 'in row 1'],
  ])('that says %j is refused', (text, words) => {
    expect(() => parseLabelIntervals(text, 'labels.csv')).toThrow(words)
  })

  test('may be added to while the agent runs', async () => {
    const path = join(temporaryDirectory(), 'labels.csv')
    writeFileSync(path, 'from,to,class\n0,1,3\n')
    const file = new LabelFile(path)
    expect(await file.intervals()).toHaveLength(1)
    appendFileSync(path, '1,2,4\n')
    expect(await file.intervals()).toHaveLength(2)
    rmSync(path)
    await expect(file.intervals()).rejects.toMatchObject({ code: 'DATA_INVALID' })
  })
})

describe('a teacher', () => {
  const form: RowForm = { element: 'uint8', shape: [2] }

  test('tells the classes of its rows, or those that stand in a column', () => {
    const rows = { rows: Uint8Array.of(7, 1, 7, 2), atMs: Float64Array.of(5, 6) }
    const labelled = { ...rows, labels: Int32Array.of(3, -1) }
    expect([...classesTold([labelled], { form }, undefined).labels]).toEqual([3, -1])
    expect([...classesTold([{ ...rows, labels: null }], { form }, 1).labels]).toEqual([1, 2])
    expect([...classesTold([{ ...rows, labels: null }], { form }, undefined).labels]).toEqual([
      -1, -1,
    ])
  })

  test('holds until it tells the next class, or too much time has passed', () => {
    const told = { atMs: Float64Array.of(10, 20), labels: Int32Array.of(1, 2) }
    const at = Float64Array.of(9, 10, 19, 20, 25, 26)
    expect([...lastTold(at, told, { ageMsMax: 5 })]).toEqual([-1, 1, -1, 2, 2, -1])
  })
})

describe('labelling', () => {
  function replayOf(id: string, bytes: readonly number[], clock: VirtualClock) {
    const path = join(temporaryDirectory(), `${id}.bin`)
    writeFileSync(path, Uint8Array.from(bytes))
    const form = { element: 'uint8', shape: [] } as const
    return new ReplaySensor({ id, path, ...form, rowsPerSecond: 10, clock })
  }

  test('records a sensor with its teacher, and ends the teacher with it', async () => {
    const clock = new VirtualClock()
    const [camera, presence] = [
      replayOf('camera', [1, 2, 3, 4], clock),
      replayOf('presence', [0, 1, 1, 0], clock),
    ]
    const labelling = new Labelling({
      configs: [
        { kind: 'teacher', sensor: 'camera', teacher: 'presence', column: 0, ageMsMax: 50 },
      ],
      sensors: [camera, presence],
      log: testLog().log,
    })
    expect(['camera', 'presence'].map(id => labelling.isLabelled(id))).toEqual([true, false])
    const { signal } = new AbortController()
    const startedAtMs = clock.now()
    const recorded = labelling.record(camera, { untilMs: startedAtMs + 60_000, rowsMax: 4, signal })
    const { segments } = await clock.run(recorded)
    expect(clock.now() - startedAtMs).toBeLessThan(1000)
    expect(segments.map(({ rows, labels }) => [[...rows], [...(labels ?? [])]])).toEqual([
      [
        [1, 2, 3, 4],
        [0, 1, 1, 0],
      ],
    ])
  })

  test('by a table that cannot be read leaves the rows as they are, and says so', async () => {
    const clock = new VirtualClock()
    const sensor = replayOf('csi', [5, 6], clock)
    const { log, lines } = testLog()
    const path = '/nowhere/labels.csv'
    const configs = [{ kind: 'file' as const, sensor: 'csi', path }]
    const labelling = new Labelling({ configs, sensors: [sensor], log })
    const { signal } = new AbortController()
    const order = { untilMs: clock.now() + 1000, rowsMax: 2, signal }
    const { segments } = await clock.run(labelling.record(sensor, order))
    expect(segments.map(({ labels }) => labels)).toEqual([null])
    expect(lines.map(({ msg }) => msg)).toEqual(['rows not labelled'])
  })
})
