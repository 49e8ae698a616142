import { compareModels, type ModelDifference } from '../../training/inspection/compare-models.ts'
import { compareOutputs, type OutputComparison } from '../../training/inspection/compare-outputs.ts'
import { readModelFile } from './model-file.ts'
import { textTable } from './text-table.ts'

export interface DiffOptions {
  readonly seed: number
  readonly json?: boolean
}

/** As of diff(1): they differ. */
const EXIT_DIFFERENT = 1
const ROWS_MAX = 40

export async function runDiff(before: string, after: string, options: DiffOptions): Promise<void> {
  const [a, b] = [await readModelFile(before), await readModelFile(after)]
  const difference = compareModels(a, b)
  const outputs = await compareOutputs(a, b, options.seed)
  const isEqual =
    difference.isEqual && outputs.ran && outputs.outputs.every(one => one.largest === 0)
  const report = { before, after, seed: options.seed, ...difference, isEqual, comparison: outputs }
  process.stdout.write(
    options.json ? `${JSON.stringify(report)}\n` : diffText(difference, outputs, options.seed),
  )
  if (!isEqual) process.exitCode = EXIT_DIFFERENT
}

function diffText(difference: ModelDifference, comparison: OutputComparison, seed: number): string {
  return [
    structureText(difference),
    weightText(difference),
    `OUTPUTS on random inputs, seed ${seed}\n`,
    comparison.ran
      ? textTable(
          comparison.outputs.map(({ name, largest, relative }) => [
            name,
            `largest difference ${largest.toExponential(3)}`,
            `relative ${relative.toExponential(3)}`,
          ]),
        )
      : `  not compared: ${comparison.reason}\n`,
  ].join('')
}

function structureText({ operators, values, graphIsEqual }: ModelDifference): string {
  if (graphIsEqual) return 'GRAPH    the same nodes in the same order\n\n'
  const rows = operators.map(({ opType, before, after }) => [
    opType,
    before,
    after,
    after > before ? `+${after - before}` : `${after - before}`,
  ])
  const lists = Object.entries(values).flatMap(([what, { removed, added }]) => [
    ...(removed.length > 0 ? [`  ${what} removed: ${removed.join(', ')}\n`] : []),
    ...(added.length > 0 ? [`  ${what} added: ${added.join(', ')}\n`] : []),
  ])
  const counts =
    rows.length > 0
      ? textTable([['operator', 'before', 'after', ''], ...rows])
      : '  as many of each operator, but other nodes\n'
  return `GRAPH    differs\n${counts}${lists.join('')}\n`
}

function weightText({
  weights,
  equalWeights,
  weightsAdded,
  weightsRemoved,
}: ModelDifference): string {
  const rows = weights
    .slice(0, ROWS_MAX)
    .map(({ name, shape, largest, relative, reason }) => [
      name,
      `[${shape.join(', ')}]`,
      reason ?? `largest ${largest.toExponential(3)}`,
      reason ? '' : `relative ${relative.toExponential(3)}`,
    ])
  const more = weights.length > ROWS_MAX ? `  and ${weights.length - ROWS_MAX} more\n` : ''
  const names = (what: string, list: readonly string[]) =>
    list.length > 0 ? `  ${what}: ${list.join(', ')}\n` : ''
  return (
    `WEIGHTS  ${weights.length} differ, ${equalWeights} are equal\n${textTable(rows)}${more}` +
    `${names('removed', weightsRemoved)}${names('added', weightsAdded)}\n`
  )
}
