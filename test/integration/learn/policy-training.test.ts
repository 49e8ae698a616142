import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readCheckpoint, writeCheckpoint } from '../../../controller/learn/checkpoint-file.ts'
import { PolicyTraining } from '../../../controller/learn/policy-training.ts'
import { CANDIDATES, observe } from '../../../controller/orchestrate/sac/candidates.ts'
import { readPolicyFile } from '../../../controller/orchestrate/sac/policy-file.ts'
import { LOGIT_SCALE } from '../../../controller/orchestrate/sac/policy-networks.ts'
import { Environment } from '../../../controller/simulate/environment.ts'
import { drawScenario } from '../../../controller/simulate/scenario.ts'
import { BALANCED } from '../../../controller/simulate/scenario-options.ts'
import { ABSENT_SCORE } from '../../../training/models/action-scorer.ts'
import { floatOutput, loadOrt, openOrtSession } from '../../../training/trainer/ort-session.ts'

const OPTIONS = { seed: 3, updates: 60 }

async function openTraining(options = OPTIONS): Promise<PolicyTraining> {
  const training = await PolicyTraining.open(await loadOrt(), options)
  onTestFinished(() => training.release())
  return training
}

test('training moves the networks, and goes on from a checkpoint to the same bytes', async () => {
  const whole = await openTraining()
  const begun = whole.policyFile()
  const first = await whole.advance()
  const folder = await mkdtemp(join(tmpdir(), 'gainnet-policy-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'checkpoint')
  await writeCheckpoint(path, whole.checkpoint())
  let last = first
  while (!whole.isOver) last = await whole.advance()
  expect(last.updateCount).toBe(OPTIONS.updates)
  for (const { criticLoss } of [first, last]) expect(criticLoss).toBeGreaterThan(0)
  expect(Buffer.from(begun).equals(whole.policyFile()), `seed ${OPTIONS.seed}`).toBe(false)

  const checkpoint = await readCheckpoint(path)
  const resumed = await openTraining(checkpoint)
  await resumed.restore(checkpoint)
  expect(resumed.updateCount).toBe(first.updateCount)
  while (!resumed.isOver) await resumed.advance()
  expect(Buffer.from(resumed.policyFile()).equals(whole.policyFile())).toBe(true)

  await expectSameScores(whole.policyFile())
}, 60_000)

test('a checkpoint that is cut off or of something else is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gainnet-policy-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'checkpoint')
  const states = { 'actor.one': Float32Array.of(1, 2) }
  const choices = [[Int8Array.of(0, 1, 5), Int8Array.of(2, 0, 0)]]
  const checkpoint = { seed: 1, updates: 20, updateCount: 10, states, choices }
  await writeCheckpoint(path, checkpoint)
  expect(await readCheckpoint(path)).toEqual(checkpoint)
  const whole = await readFile(path)
  for (const bytes of [whole.subarray(0, -1), Buffer.from('text'), Buffer.concat([whole, whole])]) {
    await writeFile(path, bytes)
    await expect(readCheckpoint(path)).rejects.toThrow(/is no checkpoint of a policy, or damaged/)
  }
})

/** The file in ONNX Runtime beside the networks that policies evaluate themselves. */
async function expectSameScores(file: Uint8Array): Promise<void> {
  const env = new Environment(drawScenario({ ...BALANCED, vehicles: 20 }, 1))
  const candidates = observe(env.stage, env.pools, env.roundsLeft)
  const { features, mask, featureCount, deviceCount } = candidates
  const ort = await loadOrt()
  const session = await openOrtSession(ort, file)
  onTestFinished(() => session.release())
  const ran = await session.run({
    features: new ort.Tensor('float32', features, [deviceCount, CANDIDATES, featureCount]),
    mask: new ort.Tensor('float32', mask, [deviceCount, CANDIDATES]),
  })
  const { actor, critics } = readPolicyFile(file)
  const scores = new Float64Array(CANDIDATES)
  for (const [name, network, scale] of [
    ['actor', actor, LOGIT_SCALE],
    ['critic.0', critics[0], 1],
    ['critic.1', critics[1], 1],
  ] as const) {
    const told = floatOutput(ran, name)
    for (let device = 0; device < deviceCount; device++) {
      const from = device * CANDIDATES
      const count = mask.subarray(from, from + CANDIDATES).reduce((sum, one) => sum + one, 0)
      network.score(features, { from: from * featureCount, count }, scores)
      for (let place = 0; place < CANDIDATES; place++) {
        const expected = place < count ? scale * (scores[place] ?? 0) : ABSENT_SCORE
        const difference = Math.abs((told[from + place] ?? Number.NaN) - expected)
        expect(difference, `${name} ${device} ${place}`).toBeLessThan(
          1e-4 * (1 + Math.abs(expected)),
        )
      }
    }
  }
}
