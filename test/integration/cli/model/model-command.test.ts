import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeModel } from '../../../../training/onnx/onnx-codec.ts'
import { sharedFile, temporaryDirectory } from '../../../support/directories.ts'
import { runCli, startCli } from '../run-cli.ts'
import { writeClassifier, writeCsv, writeTwoHeads, writeWithoutRule } from './model-files.ts'

async function jsonOf(args: readonly string[]) {
  const { exitCode, stdout, stderr } = await runCli(['model', ...args, '--json'])
  expect(stderr).not.toContain('at ')
  return { exitCode, report: JSON.parse(stdout) }
}

describe('gainnet model inspect', () => {
  test('counts operators and parameters and says that the model can be trained', async () => {
    const { exitCode, report } = await jsonOf(['inspect', writeClassifier(temporaryDirectory())])
    expect(exitCode).toBe(0)
    expect(report).toMatchObject({
      inputs: [{ name: 'features', elementType: 'float', shape: ['batch', 3] }],
      parameters: { count: 59, byteCount: 236 },
      operators: [
        { opType: 'Gemm', domain: '', count: 2, hasRule: true },
        { opType: 'Relu', domain: '', count: 1, hasRule: true },
      ],
      withoutRule: [],
      training: {
        isTrainable: true,
        prediction: 'logits',
        parameterCount: 59,
        flopsPerSample: { forward: 96, training: 288 },
      },
    })
  })

  test('names the operator without a rule, its nodes, and that it is in the way', async () => {
    const { report } = await jsonOf(['inspect', writeWithoutRule(temporaryDirectory())])
    expect(report.withoutRule).toEqual([{ opType: 'Det', domain: '', count: 1, nodes: ['volume'] }])
    expect(report.training).toMatchObject({ isTrainable: false })
    expect(report.training.reason).toContain('Det')
  })

  test('of a file that is no model ends with the code of that and no stack', async () => {
    const folder = temporaryDirectory()
    const file = join(folder, 'x.onnx')
    writeFileSync(file, 'not a model')
    const broken = await runCli(['model', 'inspect', file])
    expect(broken.exitCode).toBe(65)
    expect(broken.stderr).toMatch(/^gainnet: .*\n {2}help: .*model_invalid\)\n$/)
    const missing = await runCli(['model', 'inspect', join(folder, 'none.onnx')])
    expect(missing.exitCode).toBe(66)
    expect(missing.stderr).toContain('none.onnx does not exist')
  })
})

describe('gainnet model gradcheck', () => {
  test('passes for several inputs and outputs, ids and open axes', async () => {
    const { exitCode, report } = await jsonOf(['gradcheck', writeTwoHeads(temporaryDirectory())])
    expect(exitCode).toBe(0)
    expect(report).toMatchObject({
      precision: 'float64',
      outputs: ['shares', 'mean'],
      tensorCount: 2,
      isWithin: true,
    })
    expect(report.inputs[0]).toEqual({ name: 'ids', shape: [2, 8] })
    expect(report.relativeErrorMax).toBeLessThan(1e-5)
    expect(report.forwardError).toBeLessThan(1e-5)
  })

  test('gives the same numbers for a seed, and ends with 1 above the tolerance', async () => {
    const file = writeClassifier(temporaryDirectory())
    const args = ['gradcheck', file, '--params', '2', '--seed', '3']
    const [first, second] = [await jsonOf(args), await jsonOf([...args, '--tolerance', '1e-12'])]
    expect(second.report.tensors).toEqual(first.report.tensors)
    expect(first.report.tensors).toHaveLength(2)
    expect([first.exitCode, second.exitCode]).toEqual([0, 1])
  })

  test('of a model with an operator without a rule names node and operator', async () => {
    const file = writeWithoutRule(temporaryDirectory())
    const { exitCode, stderr } = await runCli(['model', 'gradcheck', file])
    expect(exitCode).toBe(65)
    expect(stderr).toContain('Det')
    expect(stderr).toContain('docs/how-to/add-a-gradient-rule.md')
  })

  const voice = sharedFile('models/silero-vad/silero_vad_16k_op15.onnx')
  test.skipIf(!voice)('passes for a real model with branches, an LSTM and a spectrum', async () => {
    const { exitCode, report } = await jsonOf(['gradcheck', voice ?? '', '--params', '4'])
    expect(exitCode).toBe(0)
    expect(report.relativeErrorMax).toBeLessThan(1e-4)
  })
})

describe('gainnet model train', () => {
  test('learns from a CSV file and changes nothing of the model but its weights', async () => {
    const folder = temporaryDirectory()
    const [file, csv] = [writeClassifier(folder), writeCsv(folder)]
    const [out, log] = [join(folder, 'out.onnx'), join(folder, 'losses.csv')]
    const given = ['--data', csv, '--learning-rate', '0.02', '--epochs', '8']
    const { exitCode, report } = await jsonOf(['train', file, ...given, '--out', out, '--log', log])
    expect(exitCode).toBe(0)
    expect(report).toMatchObject({
      classNames: ['ash', 'birch', 'cedar'],
      sampleCount: 216,
      heldBackCount: 24,
      steps: 56,
      isInterrupted: false,
    })
    expect(report.losses).toHaveLength(56)
    expect(report.validation.after.lossMean).toBeLessThan(report.validation.before.lossMean / 2)
    expect(report.validation.after.accuracy).toBeGreaterThan(0.9)
    expect(readFileSync(log, 'utf8')).toMatch(/^step,loss\n1,[\d.]+\n/)
    const [before, after] = [file, out].map(path => decodeModel(readFileSync(path)))
    const bare = (model: typeof before) => ({
      ...model,
      metadataProps: [],
      graph: { ...model?.graph, initializer: model?.graph?.initializer.map(({ name }) => name) },
    })
    expect(bare(after)).toEqual(bare(before))
    const measured = await jsonOf(['eval', out, '--data', csv])
    expect(measured.report).toMatchObject({ sampleCount: 240 })
    expect(measured.report.accuracy).toBeGreaterThan(0.9)
    const difference = await jsonOf(['diff', file, out])
    expect(difference.exitCode).toBe(1)
    expect(difference.report).toMatchObject({ graphIsEqual: true, equalWeights: 0 })
    expect((await jsonOf(['diff', file, file])).exitCode).toBe(0)
  })

  test('draws progress and losses for people, and names files that it wrote', async () => {
    const folder = temporaryDirectory()
    const [file, csv] = [writeClassifier(folder), writeCsv(folder)]
    const out = join(folder, 'out.onnx')
    const { stdout, stderr } = await runCli(['model', 'train', file, '--data', csv, '--out', out])
    expect(stderr).toMatch(/100 % {2}step 7\/7 {2}epoch 1 {2}loss/)
    expect(stdout).toContain('step 7')
    expect(stdout).toMatch(/held back: loss .* → loss .*, accuracy/)
    expect(stdout).toContain(`written: ${out}`)
  })

  test('stops at Ctrl-C, writes what was learned, and goes on from its checkpoint', async () => {
    const folder = temporaryDirectory()
    const [file, csv] = [writeClassifier(folder), writeCsv(folder)]
    const [out, checkpoint] = [join(folder, 'out.onnx'), join(folder, 'run.safetensors')]
    const args = ['model', 'train', file, '--data', csv, '--out', out, '--checkpoint', checkpoint]
    const child = startCli([...args, '--steps', '100000000', '--json'])
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    while (!existsSync(checkpoint)) await new Promise(resolve => setImmediate(resolve))
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    expect(code).toBe(130)
    const { steps, isInterrupted } = JSON.parse(stdout)
    expect(isInterrupted).toBe(true)
    expect(decodeModel(readFileSync(out)).graph?.node).toHaveLength(3)
    const more = await jsonOf([...args.slice(1), '--steps', String(steps + 5)])
    expect(more.report).toMatchObject({ stepBefore: steps, steps: 5 })
  })

  test('that runs away ends by the step, and writes nothing', async () => {
    const folder = temporaryDirectory()
    const out = join(folder, 'out.onnx')
    const args = ['--data', writeCsv(folder), '--optimizer', 'sgd', '--learning-rate', '1e30']
    const { exitCode, stderr } = await runCli([
      ...['model', 'train', writeClassifier(folder), ...args, '--out', out],
    ])
    expect(exitCode).toBe(70)
    expect(stderr).toMatch(/the loss of step \d+ is/)
    expect(existsSync(out)).toBe(false)
  })

  test.each([
    [['--data', '/nowhere/x.csv'], 66, '/nowhere/x.csv does not exist'],
    [['--data', 'CSV', '--label-column', 'z'], 65, 'has no column z'],
    [['--data', 'CSV', '--trainable', 'nothing*'], 65, 'no float32 initializer nothing*'],
    [['--data', 'CSV', '--out', 'CSV/out.onnx', '--steps', '1'], 73, 'cannot be written'],
    [['--data', 'CSV', '--loss', 'none'], 64, 'Allowed choices are'],
  ])('%j ends with %i and says why', async (args, code, text) => {
    const folder = temporaryDirectory()
    const csv = writeCsv(folder, 30)
    const given = args.map(arg => arg.replace('CSV', csv))
    const file = writeClassifier(folder)
    const out = given.includes('--out') ? [] : ['--out', join(folder, 'out.onnx')]
    const { exitCode, stderr } = await runCli(['model', 'train', file, ...given, ...out])
    expect(stderr).toContain(text)
    expect(stderr).not.toMatch(/^ {4}at /m)
    expect(exitCode).toBe(code)
  })

  const images = sharedFile('data/fashion-mnist/t2k-images-idx3-ubyte.gz')
  const digits = sharedFile('models/mnist-onnx/mnist.onnx')
  test.skipIf(!images || !digits)(
    'trains an export of one sample on compressed images',
    async () => {
      const labels = sharedFile('data/fashion-mnist/t2k-labels-idx1-ubyte.gz') ?? ''
      const out = join(temporaryDirectory(), 'out.onnx')
      const given = [
        '--data',
        images ?? '',
        '--labels',
        labels,
        '--samples',
        '640',
        '--batch',
        '16',
      ]
      const { report } = await jsonOf(['train', digits ?? '', ...given, '--out', out])
      const { before, after } = report.validation
      expect(after.accuracy).toBeGreaterThan(before.accuracy + 0.1)
    },
  )
})

test('gainnet model prepare writes every form and the first parameters', async () => {
  const folder = temporaryDirectory()
  const out = join(folder, 'prepared')
  const file = writeClassifier(folder)
  const { exitCode, stdout } = await runCli(['model', 'prepare', file, '-o', out])
  expect(exitCode).toBe(0)
  for (const name of ['scan', 'step', 'grad', 'apply', 'eval', 'infer']) {
    expect(stdout).toContain(join(out, `${name}.onnx`))
    expect(decodeModel(readFileSync(join(out, `${name}.onnx`))).graph?.node).not.toHaveLength(0)
  }
  expect(existsSync(join(out, 'parameters.safetensors'))).toBe(true)
})
