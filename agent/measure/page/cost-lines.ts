import { type Expense, NOTHING, sumOf } from '../../cost/cost-ledger.ts'
import type { ProbeResult } from '../probe.ts'
import { writtenBytes, writtenNumber } from '../written.ts'
import { count, type Style, writtenDuration } from './page-text.ts'

/** Probes that took less are told together. */
const CPU_SECONDS_TOLD = 0.1

interface Cost extends Expense {
  readonly durationMs: number
}

/** What measuring took, by probe and in all. */
export function costLines(
  results: Readonly<Record<string, ProbeResult<unknown>>>,
  style: Style,
): string[] {
  const costs = Object.entries(results).map(([name, { cost = NOTHING, durationMs }]) => ({
    name,
    cost: { ...cost, durationMs },
  }))
  const own = costs.filter(({ cost }) => isTold(cost))
  const others = costs.filter(({ cost }) => !isTold(cost))
  const rows = [
    ...own.map(({ name, cost }) => row(name, cost)),
    ...(others.length > 0 ? [row(count(others.length, 'other'), total(others))] : []),
    ...(own.length > 0 && costs.length > 1 ? [row('in all', total(costs))] : []),
  ]
  const head = '      time        CPU  child CPU       sent   received'
  return [` ${style.bold('What measuring took'.padEnd(23))}${style.dim(head)}`, ...rows]
}

function isTold({ cpuSeconds, childCpuSeconds, sentBytes, receivedBytes }: Cost): boolean {
  return cpuSeconds + childCpuSeconds >= CPU_SECONDS_TOLD || sentBytes + receivedBytes > 0
}

function total(costs: readonly { readonly cost: Cost }[]): Cost {
  return costs.reduce<Cost>(
    (sum, { cost }) => ({ ...sumOf(sum, cost), durationMs: sum.durationMs + cost.durationMs }),
    { ...NOTHING, durationMs: 0 },
  )
}

function row(name: string, cost: Cost): string {
  const { durationMs, cpuSeconds, childCpuSeconds, sentBytes, receivedBytes } = cost
  const cells = [
    writtenDuration(durationMs),
    seconds(cpuSeconds),
    seconds(childCpuSeconds),
    bytes(sentBytes),
    bytes(receivedBytes),
  ]
  return `  ${name.padEnd(22)}${cells.map((cell, index) => cell.padStart(index === 0 ? 10 : 11)).join('')}`
}

function seconds(value: number): string {
  return value === 0 ? '-' : `${writtenNumber(value)} s`
}

function bytes(value: number): string {
  const { value: text, unit } = writtenBytes(value)
  return value === 0 ? '-' : `${text} ${unit}`
}
