import type { AgentReport, DemoReport, ModelReport } from './report.ts'
import { figure } from './screen.ts'
import { type Line, padded, span } from './styled-text.ts'

const COLUMNS = 100
/** The goal that the demo is tuned for; a run that misses it says so by its figure. */
const BELOW_UNIGRAM_GOAL = 0.25

/** The report as a person reads it. */
export function renderReport(report: DemoReport): readonly Line[] {
  const overlap =
    report.overlapRatio === null ? 'none' : `${Math.round(report.overlapRatio * 100)} %`
  return [
    [
      span(' RESULT', 'title'),
      span(
        ` after ${report.rounds} round${report.rounds === 1 ? '' : 's'} in ${report.durationSeconds} s`,
      ),
    ],
    [],
    [
      span(
        ' MODEL          BITS PER BYTE     UNIGRAM                UPDATES   on held-back text',
        'dim',
      ),
    ],
    ...report.models.flatMap(modelLines),
    [],
    [span(' AGENT    GFLOP/s  ↓ Mb/s  ↑ Mb/s  RTT ms  SERVED, AND WHY', 'dim')],
    ...report.agents.flatMap(agentLines),
    [],
    [
      span(' Sensing ran during '),
      span(overlap, 'title'),
      span(' of the time in which the agents downloaded, trained and uploaded.'),
    ],
    [
      span(' On the wire, both directions, all agents: '),
      span(bytesText(report.bytesOnWire), 'title'),
      span('.'),
    ],
  ]
}

function modelLines(model: ModelReport): readonly Line[] {
  const { id, bitsPerByteBefore, bitsPerByteAfter, unigramBitsPerByte, belowUnigram } = model
  const isGood = (belowUnigram ?? 0) >= BELOW_UNIGRAM_GOAL
  const below = belowUnigram === null ? 'not evaluated' : differenceText(belowUnigram)
  return [
    [
      span(` ${padded(id, 15)}`),
      span(`${bits(bitsPerByteBefore)} → `),
      span(bits(bitsPerByteAfter), isGood ? 'good' : 'warn'),
      span(`      ${unigramBitsPerByte.toFixed(2)}   `),
      span(padded(below, 17), isGood ? 'good' : 'warn'),
      span(String(model.updates).padStart(7)),
    ],
    [span('   before  ', 'dim'), span(sampleText(model.sampleBefore), 'dim')],
    [span('   after   ', 'dim'), span(sampleText(model.sampleAfter))],
  ]
}

function bits(value: number | null): string {
  return padded(value === null ? '–' : value.toFixed(2), 5, 'right')
}

function differenceText(belowUnigram: number): string {
  const percent = Math.round(belowUnigram * 100)
  return `${Math.abs(percent)} % ${percent >= 0 ? 'below' : 'above'}`
}

function agentLines({ id, measured, served }: AgentReport): readonly Line[] {
  const { gflops, downlinkMbps, uplinkMbps, rttMs } = measured
  const figures = [gflops, downlinkMbps, uplinkMbps, rttMs].map(value => figure(value, 8)).join('')
  const counts = served.map(({ id: modelId, updates }) => `${modelId} ×${updates}`).join(', ')
  return [
    [span(` ${padded(id, 8)}${figures}  ${counts || 'none'}`)],
    ...served.map(({ id: modelId, reason }) => [span(`   ${modelId}: ${reason}`, 'dim')]),
  ]
}

/** One line: what a terminal would obey or break at is shown as a sign. */
export function sampleText(sample: string): string {
  const shown = sample
    .replaceAll('\n', '⏎')
    .replaceAll('\t', '→')
    .replace(/[^\x20-\x7e⏎→]/g, '·')
  return padded(shown, COLUMNS - 11)
}

function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
