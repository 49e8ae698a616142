import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PolicyTraining } from '../../controller/learn/policy-training.ts'
import { ExecutedPolicy } from '../../controller/orchestrate/execute/executed-policy.ts'
import { readPolicy } from '../../controller/orchestrate/policies/load-policy.ts'
import type { Policy } from '../../controller/orchestrate/policies/policy.ts'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'
import { createLogger } from '../../runtime/logger.ts'
import { loadOrt } from '../../training/trainer/ort-session.ts'

/** Trained once, and kept beside the reports. */
const FILE = '.gainnet/case-vehicles/policy.onnx'
const OPTIONS = { seed: 1, updates: 3000 }

/** Of the file that was named, else of the case's own, which is trained where it is missing. */
export async function learnedPolicies(file: string | undefined): Promise<readonly Policy[]> {
  if (file === undefined && (await readFileIfThere(FILE)) === undefined) await trainInto(FILE)
  return withExecuted(await readPolicy(file ?? FILE))
}

/** What was learned, alone and as a controller executes it. */
export function withExecuted(learned: Policy): readonly Policy[] {
  const executed = new ExecutedPolicy(learned, {
    log: createLogger({ daemon: 'case', level: 'warn' }),
  })
  return [
    learned,
    {
      name: 'executed',
      label: `${learned.label}, executed`,
      propose: (graph, context) => executed.propose(graph, context),
    },
  ]
}

async function trainInto(file: string): Promise<void> {
  const training = await PolicyTraining.open(await loadOrt(), OPTIONS)
  try {
    while (!training.isOver) {
      const { updateCount } = await training.advance()
      process.stderr.write(`\rtraining ${file}: update ${updateCount} of ${OPTIONS.updates}`)
    }
    process.stderr.write('\n')
    await mkdir(dirname(file), { recursive: true })
    await writeFileAtomic(file, training.policyFile())
  } finally {
    await training.release()
  }
}
