import { describe, expect, test } from 'vitest'
import { eventsOf, type FleetEvent } from '../../../demo/fleet-events.ts'
import { type FleetMessage, type FleetView, stepView } from '../../../demo/fleet-view.ts'
import { figure, renderScreen, SCREEN_COLUMNS } from '../../../demo/screen.ts'
import { plainText } from '../../../demo/styled-text.ts'
import {
  assignment,
  clock,
  controller,
  interval,
  manifest,
  newView,
  record,
  state,
  status,
  time,
  urp,
} from './fleet-fixture.ts'

function screenOf(
  messages: readonly FleetMessage[],
  { at, rows = 30, agents = 2 }: { at: string; rows?: number; agents?: number },
): string[] {
  let view: FleetView = newView(agents)
  const events: FleetEvent[] = []
  for (const message of messages) {
    events.push(...eventsOf(view, message))
    view = stepView(view, message)
  }
  const options = { nowMs: Date.parse(at), events, logsFolder: '/tmp/run/logs', rows }
  return renderScreen(view, options).map(plainText)
}

const start = [controller('waiting'), state('agent-1', 'ready'), urp('agent-1')]
const running = [
  ...start,
  state('agent-2', 'ready'),
  controller('running'),
  ...[8, 5.6, 4.4].map((bits, version) => manifest('licence', version, bits)),
  clock(1),
  record(2, {
    contributions: [
      {
        agentId: 'agent-1',
        grId: 1,
        modelId: 'licence',
        outcome: 'aggregated',
        sampleCount: 11_400,
        lossBefore: 3.88,
        lossAfter: 3.05,
      },
    ],
  }),
  clock(3),
  assignment('agent-1', 3, { sense: 'licence', consume: 'code' }),
  status('agent-1', 3, { part: 'sense', phase: 'sense', sentAt: time(3, 1) }),
  status('agent-1', 3, { interval: interval('download', 3, [1, 1.4]) }),
  status('agent-1', 3, { phase: 'train', sentAt: time(3, 2) }),
  state('agent-1', 'busy'),
  assignment('agent-2', 3, { sense: 'code', consume: 'licence' }),
  status('agent-2', 3, { status: 'failed', reason: 'the trainer was ended by SIGKILL' }),
]

describe('the screen', () => {
  test('shows who is ready before the first round', () => {
    expect(screenOf(start, { at: time(0, 0) })).toMatchInlineSnapshot(`
      [
        " GainNet · 2 agents on this machine train 2 generative models, each on its own text",
        " logs in /tmp/run/logs",
        "",
        " STARTING  1 of 2 agents ready",
        "",
        " AGENT    STATE      GFLOP/s ↓ Mb/s ↑ Mb/s RTT ms                     slot 1",
        " agent-1  ● ready       11.2    812      –   0.42                     ······························",
        "                                                                      ······························",
        " agent-2  ● unknown        –      –      –      –                     ······························",
        "                                                                      ······························",
        "           ▒ sensing   D download   T train   U upload of what was sensed before   pale: planned",
        "",
        " MODEL          VERSION  UPDATES   BITS PER BYTE ON HELD-BACK TEXT",
        " licence              –        0       –",
        " code                 –        0       –",
        "",
        " controller is waiting",
        " agent-1 is ready",
      ]
    `)
  })

  test('shows the fleet at work', () => {
    expect(screenOf(running, { at: time(3, 6.3) })).toMatchInlineSnapshot(`
      [
        " GainNet · 2 agents on this machine train 2 generative models, each on its own text",
        " logs in /tmp/run/logs",
        "",
        " ROUND 3 of 7, slot  7 of 10   ━━━━━━━━━━━━━─────────────────────   0:22 left",
        "",
        " AGENT    STATE      GFLOP/s ↓ Mb/s ↑ Mb/s RTT ms                     slot 1                      10",
        " agent-1  ● busy        11.2    812      –   0.42 sense licence       ···▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒░░░░░░░░░░░",
        "          gain 0.31 of licence, correlation 0.93… train code          ···DD·TTTTTTTTTTTTTtttttuuuuuu",
        " agent-2  ● ready          –      –      –      – sense code          ···░░░░░░░░░░░░░░░░░░░░░░░░░░░",
        "          consume failed: the trainer was ended … train licence       ···dddttttttttttttttttttuuuuuu",
        "           ▒ sensing   D download   T train   U upload of what was sensed before   pale: planned",
        "",
        " MODEL          VERSION  UPDATES   BITS PER BYTE ON HELD-BACK TEXT",
        " licence             v2        0    4.40  █▅▃                   15 % below unigram 5.16",
        " code                 –        0       –",
        "",
        " agent-2 is ready",
        " controller is running",
        " licence version 0: 8.00 bits per byte, 55 % above unigram 5.16",
        " licence version 1: 5.60 bits per byte, 9 % above unigram 5.16",
        " licence version 2: 4.40 bits per byte, 15 % below unigram 5.16",
        " update of licence by agent-1 averaged in: 11400 samples, its loss 3.88 → 3.05 nats",
        " agent-2 failed training code (the trainer was ended by SIGKILL)",
      ]
    `)
  })

  test('says when all rounds are done', () => {
    const lines = screenOf([...running, controller('finished')], { at: time(9, 0) })
    expect(lines[3]).toBe(' ROUND 7 of 7   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━   all rounds done')
  })

  test.each([
    [2, 30],
    [4, 30],
    [4, 23],
    [16, 30],
    [16, 20],
    [1, 12],
  ])('of %i agents fits on %i rows and 100 columns', (agents, rows) => {
    const lines = screenOf(running, { at: time(3, 6.3), rows, agents })
    expect(lines.length).toBeLessThanOrEqual(Math.max(rows, 16))
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(SCREEN_COLUMNS)
  })

  test('names how many agents it has no room for', () => {
    const lines = screenOf(running, { at: time(3, 6.3), agents: 16 })
    expect(lines).toContainEqual(expect.stringMatching(/… and \d+ agents more/))
  })
})

test('figures have the digits that count', () => {
  const texts = [null, 0, 0.426, 9.96, 11.24, 812.4].map(value => figure(value, 6))
  expect(texts).toEqual(['     –', '  0.00', '  0.43', '  10.0', '  11.2', '   812'])
})
