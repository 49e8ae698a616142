import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { probeGradients } from '../../../../training/gradient-probe/gradient-probe.ts'
import { buildLlama } from '../../../../training/models/llama.ts'
import { readLlama2c } from '../../../../training/models/llama2c-checkpoint.ts'
import { TokenGenerator } from '../../../../training/models/token-generator.ts'
import { nextTokenSamples } from '../../../../training/samples/next-token-samples.ts'
import { Llama2cTokenizer } from '../../../../training/tokenizer/llama2c-tokenizer.ts'
import { loadOrt } from '../../../../training/trainer/ort-session.ts'
import { sharedFile } from '../../../support/directories.ts'
import { readTinyShakespeare } from '../../../support/tiny-shakespeare.ts'
import { learn } from './learn.ts'

const STEPS = 200
/** What llama2.c writes with this model, greedily, from nothing (its test_all.py). */
const PUBLISHED = [
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. ' +
    'One day, she saw a big, red ball. She wanted to play with it, but it was too high.',
  `Lily's mom said, "Lily, let's go to the park." Lily was sad and didn't know what to do. She ` +
    `said, "I want to play with your ball, but I can't find it."`,
  `Lily was sad and didn't know what to do. She said, "I'm sorry, Lily. I didn't know what to do."`,
  "Lily didn't want to help her mom, so she",
].join('\n')

/** The model and its tokenizer, or undefined where this machine has none. */
function readStories() {
  const modelFile = sharedFile('models/stories260k/stories260K.bin')
  const tokenizerFile = sharedFile('models/stories260k/tok512.bin')
  if (!modelFile || !tokenizerFile) return undefined
  const { sizes, weights } = readLlama2c(readFileSync(modelFile))
  const tokenizer = Llama2cTokenizer.read(readFileSync(tokenizerFile))
  const build = (contextTokens: number) =>
    buildLlama({ kind: 'llama', ...sizes, contextTokens, seed: 1 }, weights)
  return { build, tokenizer }
}

test('stories260K writes the text that is published', async ({ skip }) => {
  const stories = readStories()
  if (!stories) return skip('this machine has no shared models/stories260k')
  const generator = await TokenGenerator.open(await loadOrt(), stories.build(STEPS))
  onTestFinished(() => generator.release())
  const tokens = await generator.generate({
    prompt: [Llama2cTokenizer.begin],
    tokenCount: STEPS,
    temperature: 0,
    seed: 1,
  })
  expect(stories.tokenizer.decode(tokens)).toBe(PUBLISHED)
})

test('stories260K learns Shakespeare: the perplexity of text that it has not seen falls', async ({
  skip,
}) => {
  const stories = readStories()
  const text = readTinyShakespeare()
  if (!stories || !text) return skip('this machine has no shared stories or Shakespeare')
  const contextTokens = 48
  const rows = (from: number, to: number, samplesMax: number) => {
    const tokens = stories.tokenizer.encode(text.subarray(from, to).toString())
    return nextTokenSamples(tokens, { contextTokens, samplesMax })
  }
  const { before, after } = await learn(stories.build(contextTokens), {
    loss: 'softmax-cross-entropy',
    batch: 8,
    steps: 40,
    learningRate: 0.001,
    training: rows(0, 80_000, 320),
    heldBack: rows(900_000, 940_000, 64),
  })
  expect(Math.exp(before)).toBeGreaterThan(60)
  expect(Math.exp(after)).toBeLessThan(0.4 * Math.exp(before))
})

test('the gradients of stories260K equal finite differences', async ({ skip }) => {
  const stories = readStories()
  if (!stories) return skip('this machine has no shared models/stories260k')
  const report = await probeGradients(stories.build(12), { seed: 1, tensorsMax: 12 })
  expect(report.precision).toBe('float64')
  expect(report.relativeErrorMax, JSON.stringify(report.tensors[0])).toBeLessThan(1e-4)
})
