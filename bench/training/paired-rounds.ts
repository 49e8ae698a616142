import type { BenchRow } from '../bench-report.ts'
import type { ContestantProcess, Round } from './contestant-process.ts'

export interface Pairing {
  readonly row: string
  readonly reference: string
  /** Of a round, for each side: one that is much slower may do fewer. */
  readonly steps: number
  readonly referenceSteps: number
  readonly rounds: number
}

export interface Paired {
  readonly row: BenchRow
  /** The largest difference of the losses that both have, relative; where they do the same. */
  readonly lossDifference: number
}

/**
 * Rounds of ours and of the reference, one after the other, so that both meet the same machine. The
 * ratio is the median of the rounds' ratios; low and high of ours leave out a tenth on either side.
 */
export async function pairRounds(
  ours: ContestantProcess,
  other: ContestantProcess,
  { row, reference, steps, referenceSteps, rounds }: Pairing,
): Promise<Paired> {
  // The first rounds compile code and fill caches, and the losses show that both train the same.
  const first = await ours.round(steps)
  const lossDifference = largestDifference(first, await other.round(referenceSteps))
  await ours.round(steps)
  const pairs: { readonly ours: number; readonly other: number }[] = []
  for (let round = 0; round < rounds; round++) {
    pairs.push({
      ours: milliseconds(await ours.round(steps), steps),
      other: milliseconds(await other.round(referenceSteps), referenceSteps),
    })
  }
  const values = pairs.map(pair => pair.ours).sort((a, b) => a - b)
  const edge = Math.floor(values.length / 10)
  return {
    lossDifference,
    row: {
      name: row,
      value: digits(median(values)),
      unit: 'CPU ms',
      reference,
      referenceValue: digits(median(pairs.map(pair => pair.other))),
      ratio: digits(median(pairs.map(pair => pair.other / pair.ours))),
      low: digits(values[edge] ?? 0),
      high: digits(values.at(-1 - edge) ?? 0),
      n: rounds,
    },
  }
}

function milliseconds({ cpuSeconds }: Round, steps: number): number {
  return (cpuSeconds * 1000) / steps
}

function largestDifference(a: Round, b: Round): number {
  const count = Math.min(a.losses.length, b.losses.length, 20)
  const differences = Array.from({ length: count }, (_, step) => {
    const [ours = 0, other = 0] = [a.losses[step], b.losses[step]]
    return Math.abs(ours - other) / Math.max(Math.abs(other), 1e-3)
  })
  return Math.max(0, ...differences)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [above = 0, below = above] = [sorted[middle], sorted[middle - 1]]
  return sorted.length % 2 === 1 ? above : (above + below) / 2
}

function digits(value: number): number {
  return Number(value.toPrecision(4))
}
