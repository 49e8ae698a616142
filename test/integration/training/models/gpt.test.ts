import { expect, onTestFinished, test } from 'vitest'
import { buildInferenceForm } from '../../../../training/forms/inference-form.ts'
import { readForwardModel } from '../../../../training/forward/forward-graph.ts'
import { buildModel } from '../../../../training/models/registry.ts'
import { TokenGenerator } from '../../../../training/models/token-generator.ts'
import { nextTokenSamples } from '../../../../training/samples/next-token-samples.ts'
import { BytePairTokenizer } from '../../../../training/tokenizer/byte-pair-tokenizer.ts'
import { Evaluator } from '../../../../training/trainer/evaluator.ts'
import { loadOrt } from '../../../../training/trainer/ort-session.ts'
import { readTinyShakespeare } from '../../../support/tiny-shakespeare.ts'
import { learn } from './learn.ts'

const CONTEXT = 48
const SIZES = { kind: 'gpt', contextTokens: CONTEXT, width: 48, layers: 2, heads: 4 } as const

/** A text in tokens: its first part to learn from, its last one held back. */
function lessonOf(tokens: ArrayLike<number>, heldBackTokens: ArrayLike<number>, steps: number) {
  return {
    loss: 'softmax-cross-entropy',
    batch: 8,
    steps,
    learningRate: { kind: 'cosine', rate: 0.006, steps, warmupSteps: 5 },
    training: nextTokenSamples(tokens, { contextTokens: CONTEXT, samplesMax: 8 * steps }),
    heldBack: nextTokenSamples(heldBackTokens, { contextTokens: CONTEXT, samplesMax: 64 }),
  } as const
}

test('a GPT of bytes learns to write like its text', async ({ skip }) => {
  const text = readTinyShakespeare()
  if (!text) return skip('this machine has no shared data/text-tinyshakespeare')
  const model = buildModel(SIZES)
  const lesson = lessonOf(text, text.subarray(-20_000), 150)
  const { before, after, parameters } = await learn(model, lesson)
  // At first all bytes are about equally likely.
  expect(Math.abs(before - Math.log(256))).toBeLessThan(1)
  expect(after).toBeLessThan(2.7)
  const { parameters: places } = readForwardModel(model)
  const trained = buildInferenceForm(model, { parameters: places, values: parameters })
  const generator = await TokenGenerator.open(await loadOrt(), trained)
  onTestFinished(() => generator.release())
  const prompt = Buffer.from('\nKING ')
  const write = (seed: number, temperature: number) =>
    generator.generate({ prompt, tokenCount: 80, temperature, seed })
  // Longer than the window: the oldest bytes leave it.
  const written = Buffer.from(await write(1, 0.8)).toString('latin1')
  expect(written).toHaveLength(80)
  expect(written, JSON.stringify(written)).toMatch(/^[\x20-\x7e\n]+$/)
  expect(await write(1, 0.8)).toEqual(Int32Array.from(Buffer.from(written, 'latin1')))
  expect(await write(2, 0.8)).not.toEqual(await write(1, 0.8))
  expect(await write(2, 0)).toEqual(await write(1, 0))
})

test('the evaluator writes with a GPT of bytes as its own generator does', async () => {
  const model = buildModel({ ...SIZES, contextTokens: 8 })
  const ort = await loadOrt()
  const generator = await TokenGenerator.open(ort, model)
  onTestFinished(() => generator.release())
  const evaluator = new Evaluator(ort)
  onTestFinished(() => evaluator.release())
  const given = { prompt: Buffer.from('Once upon a time'), temperature: 1, seed: 3 }
  const parameters = readForwardModel(model).initialParameters
  const bytes = await evaluator.generate({ model, parameters, byteCount: 20, ...given })
  const tokens = await generator.generate({ tokenCount: 20, ...given })
  expect(Array.from(bytes)).toEqual(Array.from(tokens))
})

test('a GPT of byte pairs spends fewer nats on a byte after training', async ({ skip }) => {
  const text = readTinyShakespeare()
  if (!text) return skip('this machine has no shared data/text-tinyshakespeare')
  const part = text.subarray(0, 150_000)
  const tokenizer = BytePairTokenizer.learn(part, { vocabularySize: 512 })
  const heldBack = text.subarray(-30_000)
  const heldBackTokens = tokenizer.encode(heldBack)
  const model = buildModel({ ...SIZES, vocabularySize: tokenizer.vocabularySize })
  const lesson = lessonOf(tokenizer.encode(part), heldBackTokens, 100)
  const { before, after } = await learn(model, lesson)
  const perByte = (loss: number) => (loss * heldBackTokens.length) / heldBack.length
  expect(Math.abs(before - Math.log(512))).toBeLessThan(1)
  expect(perByte(after)).toBeLessThan(2.8)
})

test('no place sees a later one', async () => {
  const model = buildModel({ ...SIZES, contextTokens: 6 })
  const ort = await loadOrt()
  const session = await ort.InferenceSession.create(model)
  onTestFinished(() => session.release())
  const logitsOf = async (tokens: readonly number[]) => {
    const tensor = new ort.Tensor('int32', Int32Array.from(tokens), [1, 6])
    const { logits } = await session.run({ tokens: tensor })
    return Array.from(logits?.data as Float32Array)
  }
  const [one, other] = [await logitsOf([1, 2, 3, 4, 5, 6]), await logitsOf([1, 2, 3, 9, 9, 9])]
  expect(other.slice(0, 3 * 256)).toEqual(one.slice(0, 3 * 256))
  expect(other.slice(3 * 256, 4 * 256)).not.toEqual(one.slice(3 * 256, 4 * 256))
})
