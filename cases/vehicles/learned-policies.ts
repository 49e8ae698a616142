import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PolicyTraining } from '../../controller/learn/policy-training.ts'
import { readPolicies } from '../../controller/orchestrate/policies/load-policy.ts'
import type { Policy } from '../../controller/orchestrate/policies/policy.ts'
import { readFileIfThere, writeFileAtomic } from '../../runtime/atomic-file.ts'
import { loadOrt } from '../../training/trainer/ort-session.ts'

/** Trained once, and kept beside the reports. */
const FILE = '.gainnet/case-vehicles/policy.onnx'
const OPTIONS = { seed: 1, updates: 3000 }

/** Of the file that was named, else of the case's own, which is trained where it is missing. */
export async function learnedPolicies(file: string | undefined): Promise<readonly Policy[]> {
  if (file === undefined && (await readFileIfThere(FILE)) === undefined) await trainInto(FILE)
  return readPolicies(file ?? FILE)
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
