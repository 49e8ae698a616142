import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childModule } from '../runtime/child-module.ts'
import type { Bench, BenchResult, BenchRow } from './bench-report.ts'
import { ContestantProcess } from './training/contestant-process.ts'
import type { ContestantKind } from './training/contestants.ts'
import { pairRounds } from './training/paired-rounds.ts'
import { findTorch, startTorch, type Torch } from './training/torch.ts'
import { measureCancel, measureMemory } from './training/trainer-limits.ts'
import { createWorkload, type WorkloadName, writeWorkload } from './training/workload.ts'

// PyTorch is what people train with, so that a board should lose nothing by ours; the step form is
// what a straightforward port would be, and loops are what JavaScript alone has.
const GOALS =
  'goals, times better: mlp.adam 1.5, sac.update 1.3, cnn.adam 1.2, gpt.adam 1.1 than PyTorch; ' +
  'mlp.scan-vs-step 1.5; mlp.vs-wasm 4; mlp.vs-js 30; trainer.cancel below 200 ms, trainer.rss below ' +
  '200 MiB, memory-estimate.error below 0.25'

interface Match {
  readonly row: string
  readonly workload: WorkloadName | 'sac'
  readonly against: Exclude<ContestantKind, 'scan'> | 'torch'
  /** Steps of a round: about a fifth of a second for either side. */
  readonly steps: number
  readonly referenceSteps: number
}

const MATCHES: readonly Match[] = [
  { row: 'mlp.adam', workload: 'mlp', against: 'torch', steps: 128, referenceSteps: 128 },
  { row: 'cnn.adam', workload: 'cnn', against: 'torch', steps: 24, referenceSteps: 24 },
  { row: 'gpt.adam', workload: 'gpt', against: 'torch', steps: 8, referenceSteps: 8 },
  { row: 'sac.update', workload: 'sac', against: 'torch', steps: 20, referenceSteps: 20 },
  { row: 'mlp.scan-vs-step', workload: 'mlp', against: 'step', steps: 128, referenceSteps: 64 },
  { row: 'mlp.vs-wasm', workload: 'mlp', against: 'wasm', steps: 128, referenceSteps: 16 },
  { row: 'mlp.vs-js', workload: 'mlp', against: 'js', steps: 128, referenceSteps: 2 },
]

/** Steps of training in CPU time on one thread: ours beside others', round by round. */
export const training: Bench = {
  name: 'training',
  description: 'CPU time of training steps beside PyTorch and others; the trainer',
  minutes: 3,
  async run({ quick }) {
    const rounds = quick ? 3 : 25
    const { rows, notes } = await playMatches({ matches: MATCHES, rounds })
    const memory = await measureMemory()
    return { rows: [...rows, await measureCancel(rounds), ...memory], notes }
  },
}

export async function playMatches(options: {
  readonly matches: readonly Match[]
  readonly rounds: number
}): Promise<BenchResult> {
  const isTorchWanted = options.matches.some(({ against }) => against === 'torch')
  const torch: Torch = isTorchWanted ? findTorch() : { isThere: false, why: 'nobody asked for it' }
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-bench-'))
  try {
    const rows: BenchRow[] = []
    const differences: number[] = []
    for (const match of options.matches) {
      const measured = await play(match, { torch, folder, rounds: options.rounds })
      if (!measured) continue
      rows.push(measured.row)
      if (match.workload !== 'sac') differences.push(measured.lossDifference)
    }
    const loss = Math.max(...differences).toExponential(1)
    return {
      rows,
      notes: [
        GOALS,
        'CPU time (user + system) of a step, one thread each; the ratio is the median over the rounds',
        'runs of ours have as many steps as the trainer fits into 100 ms of a core that is idle',
        `the losses of the same first steps differ by at most ${loss} between the two sides of a row`,
        torch.isThere
          ? `PyTorch ${torch.version}, OPENBLAS_CORETYPE=${torch.coreType || 'not set'}`
          : `rows against torch are left out: ${torch.why}`,
        ...(hasWasm() ? [] : ['mlp.vs-wasm is left out: npm install onnxruntime-web@1.27.0']),
      ],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function play(
  match: Match,
  options: { readonly torch: Torch; readonly folder: string; readonly rounds: number },
) {
  const { row, workload, against, steps, referenceSteps } = match
  const { torch, folder, rounds } = options
  if (against === 'torch' && !torch.isThere) return undefined
  if (against === 'wasm' && !hasWasm()) return undefined
  const other = await startReference(match, torch, folder)
  const ours = await startOurs(workload, 'scan')
  try {
    return await pairRounds(ours, other, {
      ...{ row, reference: against, steps, referenceSteps, rounds },
    })
  } finally {
    await ours.stop()
    await other.stop()
  }
}

/** onnxruntime-web is for those who have no native library: not everybody installs it. */
function hasWasm(): boolean {
  try {
    import.meta.resolve('onnxruntime-web')
    return true
  } catch {
    return false
  }
}

function startReference(
  { workload, against }: Match,
  torch: Torch,
  folder: string,
): Promise<ContestantProcess> {
  if (against !== 'torch') return startOurs(workload, against)
  if (!torch.isThere) throw new Error(torch.why)
  if (workload === 'sac') return startTorch(torch, 'sac.py', folder)
  const workloadFolder = join(folder, workload)
  mkdirSync(workloadFolder)
  writeWorkload(workloadFolder, createWorkload(workload))
  return startTorch(torch, 'train.py', workloadFolder)
}

function startOurs(
  workload: WorkloadName | 'sac',
  kind: ContestantKind,
): Promise<ContestantProcess> {
  const { path, execArgv } = childModule(import.meta.url, './training/contestant-child')
  return ContestantProcess.start(process.execPath, [...execArgv, path, workload, kind])
}
