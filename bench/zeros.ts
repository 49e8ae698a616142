import { mean } from 'simple-statistics'
import { gaiGain } from '../controller/orchestrate/gai-gain.ts'
import type { WrittenRecord } from '../controller/rounds/round-records.ts'
import type { RoundContribution } from '../protocol/round-record.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'
import { EFFECTIVE_SAMPLES, EXPONENT, runSchedule, type ScheduleRun } from './zeros/schedule-run.ts'

// Zeros exists to have consumption hide behind sensing. Good enough: 1.3 times the gain of the best
// serial schedule in CRs of the same length, as in the cell of the case study (1.35).
const GOAL = 'goal: gain of Zeros at least 1.3 times that of the best serial schedule'

const CLOCK = { slots: 10, slotMs: 1000 } as const
const ROUNDS = 8
const ROUNDS_QUICK = 4
function isAveraged({ outcome }: RoundContribution): boolean {
  return outcome === 'aggregated'
}

/** Slots of a serial CR that sensing cannot have: control, download, computing and upload. */
const OTHER_SLOTS = 4

/** Zeros against the best serial schedule in the running system: same fleet, same links. */
export const zeros: Bench = {
  name: 'zeros',
  description: 'rounds and gain of Zeros against serial rounds, with a controller and two agents',
  minutes: 7,
  run: ({ quick }) => measureZeros(quick ? ROUNDS_QUICK : ROUNDS),
}

async function measureZeros(rounds: number): Promise<BenchResult> {
  const ours = tallyOf(await runSchedule({ schedule: 'zeros', ...CLOCK, rounds }), CLOCK)
  const serial = tallyOf(await runSchedule({ schedule: 'serial', ...CLOCK, rounds }), CLOCK)
  const longer = { ...CLOCK, slots: slotsForSamples(serial.samples, ours.samples) }
  const alike = tallyOf(await runSchedule({ schedule: 'serial', ...longer, rounds }), longer)
  return {
    rows: [
      row('rounds-per-hour', 'per device', ours.perHour, alike.perHour, 'serial, as many samples'),
      row('gain-per-hour', 'per device', ours.gainPerHour, serial.gainPerHour, 'serial'),
      row('samples-per-round', 'samples', ours.samples, serial.samples, 'serial'),
      row('samples-per-round.longer', 'samples', ours.samples, alike.samples, 'serial, longer CR'),
      row('overlap', 'of consumption', ours.overlap, serial.overlap, 'serial'),
    ],
    notes: [
      GOAL,
      `CRs of ${CLOCK.slots} x ${CLOCK.slotMs} ms; rounds-per-hour beside serial CRs of ${longer.slots} slots, ` +
        'in which a round brings about as many samples',
      'gain: value, correlation and samples that were averaged, on the learning curve of a new model',
      'counted from the first round on that was averaged: trainers and measurements start before it',
      `delivered: ${[ours, serial, alike].map(({ delivered }) => delivered).join(', ')} updates of ${rounds} rounds by two agents`,
    ],
  }
}

interface Tally {
  readonly delivered: number
  readonly perHour: number
  readonly gainPerHour: number
  readonly samples: number
  readonly overlap: number
}

/** What was averaged, by device and hour, from the first round on in which anything was. */
function tallyOf(
  records: readonly WrittenRecord[],
  { slots, slotMs }: Pick<ScheduleRun, 'slots' | 'slotMs'>,
): Tally {
  const first = records.findIndex(({ contributions }) => contributions.some(isAveraged))
  const consuming = records.slice(first < 0 ? records.length : first)
  const updates = consuming.flatMap(({ contributions }) => contributions.filter(isAveraged))
  const correlations = new Map(
    records.flatMap(({ crId, choices }) =>
      choices.map(choice => [`${choice.agentId} ${crId}`, choice.correlation ?? 0] as const),
    ),
  )
  const gains = updates.map(({ agentId, grId, sampleCount = 0 }) =>
    gaiGain({
      value: 1,
      correlation: correlations.get(`${agentId} ${grId}`) ?? 0,
      workload: sampleCount,
      effectiveSamples: EFFECTIVE_SAMPLES,
      exponent: EXPONENT,
    }),
  )
  const devices = new Set(updates.map(({ agentId }) => agentId)).size
  if (devices === 0) throw new Error('no update was averaged')
  const hours = (consuming.length * slots * slotMs * devices) / 3_600_000
  return {
    delivered: updates.length,
    perHour: updates.length / hours,
    gainPerHour: gains.reduce((sum, gain) => sum + gain, 0) / hours,
    samples: mean(updates.map(({ sampleCount = 0 }) => sampleCount)),
    overlap: mean(consuming.map(({ overlapRatio = 0 }) => overlapRatio)),
  }
}

/** Slots of a serial CR that brings `wanted` samples where one of the usual cut brings `brought`. */
function slotsForSamples(brought: number, wanted: number): number {
  const perSlot = brought / (CLOCK.slots - OTHER_SLOTS)
  return OTHER_SLOTS + Math.ceil(wanted / perSlot)
}

function row(
  name: string,
  unit: string,
  value: number,
  referenceValue: number,
  reference: string,
): BenchRow {
  const rounded = (one: number): number => Number(one.toPrecision(4))
  const ratio = referenceValue > 0 ? { ratio: rounded(value / referenceValue) } : {}
  const figures = { value: rounded(value), referenceValue: rounded(referenceValue) }
  return { name, unit, ...figures, reference, ...ratio, n: 1 }
}
