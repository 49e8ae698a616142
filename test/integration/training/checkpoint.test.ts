import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { writeCheckpoint } from '../../../training/checkpoint/checkpoint.ts'
import { decodeSafetensors, encodeSafetensors } from '../../../training/checkpoint/safetensors.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { type TrainingJob, TrainingRun } from '../../../training/trainer/training-run.ts'
import { canMountTmpfs, temporaryDirectory, tinyTmpfs } from '../../support/directories.ts'
import { byteJob, hashOf, startTrainer } from './byte-job.ts'

const RATE = {
  kind: 'cosine',
  rate: 0.02,
  rateMin: 0.001,
  steps: 70,
  warmupSteps: 5,
} as const
const STEPS = 60
/** In the middle of the second epoch. */
const BREAK_AT = 45

const random = seededRandom(9)
const { artifact } = byteJob()
const control = artifact.initialParameters.map(() => (random() - 0.5) / 100)
const anchor = artifact.initialParameters.map(value => value / 2)

const CASES: readonly [string, Parameters<typeof byteJob>[0], Partial<TrainingJob>][] = [
  ['Adam', {}, {}],
  ['AdamW', { optimizer: { kind: 'adam-w', weightDecay: 0.1 } }, {}],
  ['LAMB with clipping', { optimizer: { kind: 'lamb' }, gradientNormMax: 0.5 }, {}],
  ['RMSprop with momentum', { optimizer: { kind: 'rms-prop', momentum: 0.5 } }, {}],
  ['Nesterov', { optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true } }, {}],
  ['accumulation', { batch: 8, accumulation: 4 }, {}],
  ['an exponential average', { average: { kind: 'exponential', decay: 0.9 } }, {}],
  ['a Polyak average', { average: { kind: 'polyak', afterSteps: 20 } }, {}],
  ['FedProx from the first parameters', { proximal: true }, { proximal: { strength: 0.1 } }],
  ['FedProx to an anchor', { proximal: true }, { proximal: { strength: 0.1, anchor } }],
  ['SCAFFOLD', { control: true }, { control }],
]

async function withRun<T>(job: TrainingJob, use: (run: TrainingRun) => Promise<T>): Promise<T> {
  const run = await TrainingRun.open(await loadOrt(), job)
  try {
    return await use(run)
  } finally {
    await run.release()
  }
}

function fileAfter(job: TrainingJob, path: string, steps: readonly number[]): Promise<string> {
  return withRun(job, async run => {
    for (const count of steps) await run.step({ steps: count, learningRate: RATE })
    await writeCheckpoint(path, run.checkpoint(), run.metadata)
    return hashOf(readFileSync(path))
  })
}

describe('a resumed run', () => {
  test.each(CASES)('with %s gives the bytes of an uninterrupted one', async (_, options, more) => {
    const folder = temporaryDirectory()
    const job = { ...byteJob(options).job, ...more }
    const [whole, part] = [join(folder, 'whole'), join(folder, 'part')]
    const expected = await fileAfter(job, whole, [STEPS])
    await fileAfter(job, part, [BREAK_AT])
    const resumed = await fileAfter({ ...job, resume: part }, part, [STEPS - BREAK_AT])
    expect(resumed).toBe(expected)
  })

  test('is at the step of its file, whose tensors have the names of the parameters', async () => {
    const path = join(temporaryDirectory(), 'run.safetensors')
    const { job } = byteJob()
    await fileAfter(job, path, [BREAK_AT])
    const { metadata, tensors } = decodeSafetensors(readFileSync(path))
    const [first, ...others] = artifact.parameters.map(({ name }) => name)
    expect(tensors.map(({ name }) => name).slice(0, 4)).toEqual([
      first,
      `firstMoment.${first}`,
      `secondMoment.${first}`,
      others[0],
    ])
    expect(metadata).toMatchObject({
      step: String(BREAK_AT),
      seed: '4',
      artifact: hashOf(job.artifact),
    })
    const { firstMoment, secondMoment } = JSON.parse(metadata.slot_scales ?? '')
    expect(firstMoment).toBeCloseTo(0.1, 12)
    expect(secondMoment).toBeCloseTo(0.001, 12)
    const stepCount = await withRun({ ...job, resume: path }, async run => run.stepCount)
    expect(stepCount).toBe(BREAK_AT)
  })

  test('takes no checkpoint of another artifact, seed or data set, and none that is damaged', async () => {
    const folder = temporaryDirectory()
    const path = join(folder, 'run.safetensors')
    const { job } = byteJob()
    await fileAfter(job, path, [3])
    const refuse = async (change: Partial<TrainingJob>, words: string): Promise<void> => {
      const opened = withRun({ ...job, resume: path, ...change }, async () => {})
      await expect(opened).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' })
      await expect(opened).rejects.toThrow(words)
    }
    await refuse({ artifact: byteJob({ batch: 16 }).job.artifact }, 'it is of the artifact')
    await refuse({ seed: 5 }, 'it was made with the seed 4, not 5')
    await refuse(
      { inputs: new Int32Array(800), inputWidth: 8, labels: new Int32Array(100) },
      'samples, not 100',
    )
    await refuse({ resume: join(folder, 'none') }, 'no such file')
    await refuse({ resume: folder }, 'EISDIR')
    const bytes = readFileSync(path)
    const cut = join(folder, 'cut')
    writeFileSync(cut, bytes.subarray(0, bytes.length - 4))
    await refuse({ resume: cut }, 'goes beyond the end of the file')
    const { metadata, tensors } = decodeSafetensors(bytes)
    writeFileSync(cut, encodeSafetensors({ metadata, tensors: tensors.slice(1) }))
    await refuse({ resume: cut }, 'it lacks the tensor')
    writeFileSync(cut, Buffer.concat([bytes, Buffer.alloc(2 ** 25)]))
    await refuse({ resume: cut }, 'one of this artifact at most')
  })
})

describe('a trainer process', () => {
  test('killed between checkpoints goes on in another, to the bytes it would have had', async () => {
    const folder = temporaryDirectory()
    const [path, end] = [join(folder, 'run'), join(folder, 'end')]
    const { job } = byteJob()
    const expected = await fileAfter(job, end, [STEPS])
    const first = await startTrainer()
    await first.load(job)
    await first.step({ steps: 20, learningRate: RATE })
    await first.checkpoint(path)
    await first.step({ steps: 13, learningRate: RATE })
    expect(await first.checkpoint(path)).toEqual({
      stepCount: 33,
      bytes: readFileSync(path).length,
    })
    // Killed at work, and while the next checkpoint may be half written.
    const lost = first.step({ steps: 7, learningRate: RATE }).then(() => first.checkpoint(path))
    const rejected = expect(lost).rejects.toThrow('SIGKILL')
    process.kill(first.pid ?? 0, 'SIGKILL')
    await rejected
    const second = await startTrainer()
    const { stepCount } = await second.load({ ...job, resume: path })
    expect([33, 40]).toContain(stepCount)
    await second.step({ steps: STEPS - stepCount, learningRate: RATE })
    await second.checkpoint(end)
    expect(hashOf(readFileSync(end))).toBe(expected)
  })

  test.skipIf(!canMountTmpfs)(
    'whose disk is full keeps its last checkpoint, says so and trains on',
    async () => {
      const { job } = byteJob()
      const bytes = 3 * 4 * job.parameters.length
      const folder = tinyTmpfs(Math.ceil(bytes * 1.5))
      const path = join(folder, 'run.safetensors')
      const trainer = await startTrainer()
      await trainer.load(job)
      await trainer.step({ steps: 5, learningRate: RATE })
      await trainer.checkpoint(path)
      const good = hashOf(readFileSync(path))
      await trainer.step({ steps: 5, learningRate: RATE })
      // There is room for one, not for a second beside it.
      const full = trainer.checkpoint(path)
      await expect(full).rejects.toMatchObject({
        code: 'CHECKPOINT_UNWRITABLE',
        details: { errno: 'ENOSPC', step: 10 },
      })
      expect(hashOf(readFileSync(path))).toBe(good)
      expect(readdirSync(folder)).toEqual(['run.safetensors'])
      expect((await trainer.step({ steps: 1, learningRate: RATE })).stepCount).toBe(11)
      expect((await trainer.load({ ...job, resume: path })).stepCount).toBe(5)
    },
  )
})
