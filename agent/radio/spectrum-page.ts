import { cellOf } from '../../protocol/matrix.ts'
import { csvLine } from '../../runtime/csv.ts'
import { type Paint, renderHeatMap } from '../measure/heat-map.ts'
import type { RadioMeasurement, RadioSettings } from './measure-radio.ts'
import { FALSE_ALARM } from './spectrum/occupancy.ts'

export interface MeasuredRadio {
  readonly radio: RadioSettings & { readonly id: string }
  readonly measurement: RadioMeasurement
}

const WIDTH_MAX = 80

/** The time-frequency matrix of each radio, the highest frequency on top. */
export function spectrumPage(
  agentId: string,
  measured: readonly MeasuredRadio[],
  paint: Paint,
): string {
  return measured.map(one => [...radioLines(agentId, one, paint), '', ''].join('\n')).join('')
}

function radioLines(agentId: string, one: MeasuredRadio, paint: Paint): string[] {
  const { radio, measurement } = one
  const { round, header, plan, droppedBytes } = measurement
  const floors = floorsOf(one)
  return [
    ` ${agentId}: ${radio.id}, ${header.tuner} at ${radio.host}:${radio.port}`,
    ` ${megahertz(plan.rateHz)} MHz around ${megahertz(radio.frequencyHz)} MHz, ` +
      `${plan.blocks} blocks of ${plan.rateHz / plan.blocks / 1000} kHz, ` +
      `${plan.slots} slots of ${plan.slotMs} ms`,
    ` noise in a block ${Math.min(...floors)} to ${Math.max(...floors)} dBFS; ` +
      `free ${percent(meanOf(round.availability.values))}, heard ${percent(meanOf(round.heard))}`,
    ...(droppedBytes > 0 ? [` ${droppedBytes} bytes were dropped: this machine was too slow`] : []),
    '',
    ...renderHeatMap({
      matrix: round.availability,
      labels: blocksOf(one).map(({ fromHz }) => `${megahertz(fromHz)} MHz`),
      direction: 'up',
      paint,
      widthMax: WIDTH_MAX,
    }),
  ]
}

/** The frequency pool as a URP has it, and how it came about. */
export function spectrumDocument(one: MeasuredRadio) {
  const { radio, measurement } = one
  const { round, plan, header, droppedBytes } = measurement
  const { availability } = round
  return {
    id: radio.id,
    tuner: header.tuner,
    frequencyHz: radio.frequencyHz,
    slots: plan.slots,
    slotMs: plan.slotMs,
    kind: 'spectrum',
    blockCount: plan.blocks,
    blockWidthHz: plan.rateHz / plan.blocks,
    availability: Array.from({ length: availability.rows }, (_, slot) =>
      Array.from({ length: availability.columns }, (_, block) =>
        rounded(cellOf(availability, slot, block)),
      ),
    ),
    heard: [...round.heard].map(rounded),
    noiseFloorDbfs: floorsOf(one),
    falseAlarm: FALSE_ALARM,
    droppedBytes,
  }
}

/** A row for each slot of each block. */
export function spectrumCsv(measured: readonly MeasuredRadio[]): string {
  const head = csvLine(['radio', 'slot', 'block', 'fromHz', 'toHz', 'free'])
  const rows = measured.flatMap(one =>
    Array.from({ length: one.measurement.round.availability.rows }, (_, slot) =>
      blocksOf(one).map(({ fromHz, toHz }, block) => {
        const free = rounded(cellOf(one.measurement.round.availability, slot, block))
        return csvLine([one.radio.id, slot, block, fromHz, toHz, free])
      }),
    ),
  )
  return [head, ...rows.flat()].join('')
}

function blocksOf({ radio, measurement: { plan } }: MeasuredRadio) {
  const width = plan.rateHz / plan.blocks
  const lowest = radio.frequencyHz - plan.rateHz / 2
  return Array.from({ length: plan.blocks }, (_, block) => ({
    fromHz: lowest + block * width,
    toHz: lowest + (block + 1) * width,
  }))
}

function floorsOf({ measurement }: MeasuredRadio): number[] {
  return [...measurement.round.floor].map(power => Number((10 * Math.log10(power)).toFixed(1)))
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function megahertz(hertz: number): string {
  return String(Number((hertz / 1e6).toFixed(3)))
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function rounded(value: number): number {
  return Number(value.toFixed(4))
}
