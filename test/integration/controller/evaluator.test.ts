import { expect, onTestFinished, test } from 'vitest'
import { Evaluator } from '../../../controller/models/evaluator.ts'
import { testLog } from '../../support/test-log.ts'
import { libraryFolder } from '../../unit/models/model-config.ts'
import { childrenOfThisProcess } from '../agent/child-census.ts'

async function startEvaluator() {
  const { config, open } = libraryFolder()
  const library = await open([config('prose'), config('verse')])
  const { log, lines } = testLog()
  const evaluator = new Evaluator({ niceness: 0, log })
  onTestFinished(() => evaluator.stop())
  const parameters = await library.parameters('prose')
  /** In bits per byte. */
  const judge = async (values = parameters, modelId = 'prose') => {
    const judgement = await evaluator.judge(library.model(modelId), values)
    return judgement && judgement.lossMean / Math.LN2
  }
  return { evaluator, parameters, judge, lines }
}

test('versions are judged one after the other, in one process', async () => {
  const { parameters, judge } = await startEvaluator()
  const zero = new Float32Array(parameters.length)
  const [untrained, even] = await Promise.all([judge(), judge(zero)])
  // Without any weight each of 256 bytes is equally likely: 8 bits.
  expect(even).toBeCloseTo(8, 5)
  expect(untrained).toBeGreaterThan(7)
  expect(untrained).toBeLessThan(10)
  expect(childrenOfThisProcess()).toHaveLength(1)
})

test('of versions that come faster than they are judged only the newest waits, for each model', async () => {
  const { parameters, judge, lines } = await startEvaluator()
  const zero = new Float32Array(parameters.length)
  const judged = await Promise.all([
    judge(),
    judge(),
    judge(zero, 'verse'),
    judge(parameters.map(() => Number.NaN)),
    judge(zero),
  ])
  expect(judged.map(value => value !== null && Math.round(value))).toEqual([8, false, 8, false, 8])
  expect(lines.map(({ msg, modelId }) => `${modelId} ${msg}`)).toEqual([
    'prose version not judged: a newer one came before',
    'prose version not judged: a newer one came before',
  ])
})

test('a process that dies costs one judgement, and the next one has another', async () => {
  const { judge, lines, parameters } = await startEvaluator()
  await judge()
  const [first] = childrenOfThisProcess()
  const judging = judge()
  process.kill(first ?? 0, 'SIGKILL')
  expect(await judging).toBeNull()
  expect(lines.map(({ msg }) => msg)).toEqual(['evaluation failed'])
  expect(await judge(new Float32Array(parameters.length))).toBeCloseTo(8, 5)
})

test('a stop while it starts leaves no process behind, and nothing is judged any more', async () => {
  const { evaluator, judge, lines } = await startEvaluator()
  const judging = [judge(), judge()]
  await evaluator.stop()
  expect(await Promise.all(judging)).toEqual([null, null])
  expect(await judge()).toBeNull()
  expect(childrenOfThisProcess()).toEqual([])
  expect(lines).toEqual([])
})
