import { median } from 'simple-statistics'
import { SAMPLE_FORMATS } from '../../agent/radio/sample-formats.ts'
import { FALSE_ALARM } from '../../agent/radio/spectrum/occupancy.ts'
import { type SpectrumPlan, slotShape } from '../../agent/radio/spectrum/spectrum-plan.ts'
import type { SpectrumRound } from '../../agent/radio/spectrum/spectrum-rounds.ts'
import { printedRows } from '../../runtime/printed-json.ts'
import { textTable } from '../model/text-table.ts'

/** Slots that are printed as JSON, and as text; those beyond are only counted. */
const SLOTS_MAX = 100_000
const LINES_MAX = 200
/** Rounds whose noise floors are kept. */
const ROUNDS_MAX = 1000
/** Floats may hold nothing at all, of which there are no dB. */
const POWER_MIN = 1e-30

interface SlotRow {
  readonly heard: number
  /** Of each block, from the lowest frequency up. */
  readonly occupancy: readonly number[]
}

/** What was measured of a recording, in bounded memory however long it is. */
export class IqTally {
  bytes = 0
  readonly rows: SlotRow[] = []
  slots = 0
  notNumbers = 0
  /** Sum over all slots of what was occupied, for the mean. */
  occupied = 0
  /** Noise in each block, a row for each of the first rounds; full scale is 1. */
  readonly floors: number[][] = []

  add({ availability, heard, floor, notNumbers }: SpectrumRound): void {
    this.notNumbers = notNumbers
    if (this.floors.length < ROUNDS_MAX) this.floors.push([...floor])
    for (let slot = 0; slot < availability.rows; slot++) {
      const from = slot * availability.columns
      const free = [...availability.values.subarray(from, from + availability.columns)]
      const share = heard[slot] ?? 0
      const occupancy = share > 0 ? free.map(value => rounded(1 - value)) : free.map(() => 0)
      this.slots += 1
      this.occupied += occupancy.reduce((sum, value) => sum + value, 0) / occupancy.length
      if (this.rows.length < SLOTS_MAX) this.rows.push({ heard: rounded(share), occupancy })
    }
  }
}

export interface DecodedIq {
  readonly file: string
  readonly plan: SpectrumPlan
  readonly frequencyHz: number | undefined
  readonly tally: IqTally
}

export function decodedIqJson({ plan, frequencyHz, tally }: DecodedIq): string {
  const { format, rateHz, blocks } = plan
  return `${printedRows({
    driver: 'iq',
    format,
    rateHz,
    ...(frequencyHz === undefined ? {} : { frequencyHz }),
    bytes: tally.bytes,
    ...figuresOf({ plan, tally }),
    blockWidthHz: rateHz / blocks,
    falseAlarm: FALSE_ALARM,
    noiseFloorDbfs: floorsOf(tally),
    slots: tally.rows.map(({ heard, occupancy }, slot) => ({
      slot,
      startsAtMs: rounded(startOf(plan, slot)),
      heard,
      occupancy,
    })),
  })}\n`
}

export function decodedIqText({ file, plan, frequencyHz, tally }: DecodedIq): string {
  const { seconds, slotMs, occupied, dropped } = figuresOf({ plan, tally })
  const floors = floorsOf(tally)
  const rows = tally.rows
    .slice(0, LINES_MAX)
    .map(({ heard, occupancy }, slot) => [
      String(slot),
      startOf(plan, slot).toFixed(1),
      percent(heard),
      percent(occupancy.reduce((sum, value) => sum + value, 0) / occupancy.length),
      occupancy.map(shadeOf).join(''),
    ])
  const more = tally.slots - rows.length
  return [
    `${file}: ${plan.format}, ${plan.rateHz} samples a second` +
      `${frequencyHz === undefined ? '' : ` around ${frequencyHz} Hz`}, ${seconds} s\n`,
    `${tally.slots} slots of ${slotMs} ms, ${plan.blocks} blocks of ${plan.rateHz / plan.blocks} Hz\n`,
    `noise in a block ${Math.min(...floors)} to ${Math.max(...floors)} dBFS\n`,
    `occupied ${percent(occupied)} of the time, of which ${percent(FALSE_ALARM)} is chance\n`,
    ...Object.entries(dropped)
      .filter(([, count]) => count > 0)
      .map(([why, count]) => `dropped: ${count} ${why}\n`),
    textTable([['slot', 'from ms', 'heard', 'occupied', 'blocks from the lowest up'], ...rows]),
    more > 0 ? `  and ${more} more slots: see --json\n` : '',
    `  ${SHADES.map(({ shade, words }) => `${shade} ${words}`).join('   ')}\n`,
  ].join('')
}

function figuresOf({ plan, tally }: Pick<DecodedIq, 'plan' | 'tally'>) {
  const sampleBytes = SAMPLE_FORMATS[plan.format].bytes
  return {
    seconds: rounded(Math.floor(tally.bytes / sampleBytes) / plan.rateHz),
    slotMs: rounded(startOf(plan, 1)),
    occupied: rounded(tally.occupied / Math.max(1, tally.slots)),
    dropped: {
      'bytes after the last sample': tally.bytes % sampleBytes,
      'transforms with what is no number': tally.notNumbers,
    },
  }
}

function startOf(plan: SpectrumPlan, slot: number): number {
  return (slot * slotShape(plan).slotSamples * 1000) / plan.rateHz
}

/** dB of full scale in each block, the median over the rounds. */
function floorsOf({ floors }: IqTally): number[] {
  return (floors[0] ?? []).map((_, block) => {
    const power = median(floors.map(floor => floor[block] ?? 0))
    return Number((10 * Math.log10(Math.max(power, POWER_MIN))).toFixed(1))
  })
}

const SHADES = [
  { shade: '·', words: 'free', shareMax: 0.02 },
  { shade: '░', words: 'occupied up to 25 %', shareMax: 0.25 },
  { shade: '▒', words: '50 %', shareMax: 0.5 },
  { shade: '▓', words: '75 %', shareMax: 0.75 },
  { shade: '█', words: 'more', shareMax: 1 },
] as const

function shadeOf(share: number): string {
  return (SHADES.find(({ shareMax }) => share <= shareMax) ?? SHADES[4]).shade
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function rounded(value: number): number {
  return Number(value.toFixed(4))
}
