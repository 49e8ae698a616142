import { type ProbeReport, probeGradients } from '../../training/gradient-probe/gradient-probe.ts'
import type { TensorProbe } from '../../training/gradient-probe/tensor-probe.ts'
import { readModelFile } from './model-file.ts'
import { type SpecialOptions, specialized } from './specialized-model.ts'
import { textTable } from './text-table.ts'

export interface GradcheckOptions extends SpecialOptions {
  readonly params?: number
  readonly seed: number
  readonly output?: readonly string[]
  readonly trainable?: readonly string[]
  readonly tolerance: number
  readonly json?: boolean
}

/** As of diff(1) and grep(1): done, and what was looked for is not so. */
const EXIT_NOT_SO = 1
const ROWS_MAX = 40

export async function runGradcheck(file: string, options: GradcheckOptions): Promise<void> {
  const { params, seed, output, trainable, tolerance } = options
  const bytes = specialized(await readModelFile(file), options)
  const report = await probeGradients(bytes, {
    seed,
    ...(params ? { tensorsMax: params } : {}),
    ...(output ? { outputs: output } : {}),
    ...(trainable ? { trainable } : {}),
    onTensor: process.stderr.isTTY ? showProgress : () => {},
  })
  // A number that is none passes no comparison.
  const isWithin = report.relativeErrorMax <= tolerance
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ file, seed, tolerance, isWithin, ...report })}\n`
      : gradcheckText(report, { seed, tolerance, isWithin }),
  )
  if (!isWithin) process.exitCode = EXIT_NOT_SO
}

function showProgress(_: TensorProbe, done: number, count: number): void {
  process.stderr.write(done === count ? '\r\x1b[K' : `\r\x1b[K${done} of ${count} tensors`)
}

function gradcheckText(
  report: ProbeReport,
  { seed, tolerance, isWithin }: { seed: number; tolerance: number; isWithin: boolean },
): string {
  const { inputs, outputs, tensors, tensorCount, precision, float32Ops, relativeErrorMax } = report
  const { forwardError } = report
  const number = (value: number) => value.toExponential(3)
  const rows = tensors
    .slice(0, ROWS_MAX)
    .map(({ name, shape, relativeError, ours, numeric, uncertainty }) => [
      number(relativeError),
      number(ours),
      number(numeric),
      number(uncertainty),
      `${name} [${shape.join(', ')}]`,
    ])
  const given = inputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ')
  const differences =
    precision === 'float64'
      ? 'in float64'
      : `in float64, but for ${float32Ops.join(', ')} in float32`
  return [
    `inputs       random, seed ${seed}: ${given}\n`,
    `outputs      ${outputs.join(', ')}, weighted at random\n`,
    `differences  ${differences}\n`,
    `forward      ours differs by ${number(forwardError)} from the model as it is\n`,
    `tensors      ${tensors.length} of ${tensorCount}, the worst first\n\n`,
    textTable([['error', 'ours', 'numeric', '±', 'tensor'], ...rows]),
    tensors.length > ROWS_MAX ? `  and ${tensors.length - ROWS_MAX} with smaller errors\n` : '',
    `\nlargest relative error ${number(relativeErrorMax)}: `,
    `${isWithin ? 'within' : 'NOT within'} the tolerance of ${tolerance}\n`,
  ].join('')
}
