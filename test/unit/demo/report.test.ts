import { expect, test } from 'vitest'
import { buildReport, overlapRatioOf } from '../../../demo/report.ts'
import { renderReport, sampleText } from '../../../demo/report-text.ts'
import { plainText } from '../../../demo/styled-text.ts'
import { health, interval, manifest, newView, record, stepAll, urp } from './fleet-fixture.ts'

const update = { agentId: 'agent-1', grId: 1, modelId: 'code', outcome: 'aggregated' as const }
const choice = { agentId: 'agent-1', modelId: 'code', gain: 1, workload: 9 }

const view = stepAll(newView(), [
  urp('agent-1'),
  health('agent-1', 1, 600_000),
  manifest('code', 0, 8.004),
  manifest('code', 1, 3.5314),
  record(1, { choices: [{ ...choice, reason: 'gain 0.31' }] }),
  record(2, {
    overlapRatio: 0.9,
    contributions: [
      { ...update, phases: [interval('download', 2, [1, 2]), interval('train', 2, [2, 4])] },
    ],
  }),
  record(3, {
    overlapRatio: 0.5,
    contributions: [
      { ...update, phases: [interval('sense', 3, [0, 9]), interval('train', 3, [1, 2])] },
    ],
  }),
])

test('the report has the figures of the run', () => {
  const samples = new Map([['code', { before: 'The \x07q', after: 'The file' }]])
  expect(buildReport(view, { samples, durationMs: 41_234 })).toEqual({
    models: [
      {
        id: 'licence',
        bitsPerByteBefore: null,
        bitsPerByteAfter: null,
        unigramBitsPerByte: 5.16,
        belowUnigram: null,
        updates: 0,
        sampleBefore: '',
        sampleAfter: '',
      },
      {
        id: 'code',
        bitsPerByteBefore: 8.004,
        bitsPerByteAfter: 3.531,
        unigramBitsPerByte: 5.05,
        belowUnigram: 0.301,
        updates: 0,
        sampleBefore: 'The \x07q',
        sampleAfter: 'The file',
      },
    ],
    agents: [
      {
        id: 'agent-1',
        served: [{ id: 'code', updates: 2, reason: 'gain 0.31' }],
        measured: { gflops: 11.2, downlinkMbps: 812, uplinkMbps: null, rttMs: 0.42 },
      },
      {
        id: 'agent-2',
        served: [],
        measured: { gflops: null, downlinkMbps: null, uplinkMbps: null, rttMs: null },
      },
    ],
    rounds: 2,
    overlapRatio: 0.8,
    bytesOnWire: 1_200_000,
    durationSeconds: 41.2,
  })
})

test('the overlap ratio weighs each round by its time of consumption, sensing not counted', () => {
  // (0.9 x 3 slots + 0.5 x 1 slot) / 4 slots
  expect(overlapRatioOf(view)).toBeCloseTo(0.8)
  expect(overlapRatioOf(newView())).toBeNull()
})

test('the report reads as one page', () => {
  const samples = new Map([['code', { before: 'The \x07q', after: 'The file\nis' }]])
  const lines = renderReport(buildReport(view, { samples, durationMs: 41_234 })).map(plainText)
  expect(lines).toMatchInlineSnapshot(`
    [
      " RESULT after 2 rounds in 41.2 s",
      "",
      " MODEL          BITS PER BYTE     UNIGRAM                UPDATES   on held-back text",
      " licence            – →     –      5.16   not evaluated          0",
      "   before",
      "   after",
      " code            8.00 →  3.53      5.05   30 % below             0",
      "   before  The ·q",
      "   after   The file⏎is",
      "",
      " AGENT    GFLOP/s  ↓ Mb/s  ↑ Mb/s  RTT ms  SERVED, AND WHY",
      " agent-1     11.2     812       –    0.42  code ×2",
      "   code: gain 0.31",
      " agent-2        –       –       –       –  none",
      "",
      " Sensing ran during 80 % of the time in which the agents downloaded, trained and uploaded.",
      " On the wire, both directions, all agents: 1.2 MB.",
    ]
  `)
})

test('a sample cannot write to the terminal and is one line', () => {
  expect(sampleText('a\x1b[2Jb\nc\td\u{1f600}').trimEnd()).toBe('a·[2Jb⏎c→d··')
})
