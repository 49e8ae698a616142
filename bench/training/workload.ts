import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom, standardNormal } from '../../runtime/seeded-random.ts'
import { readForwardModel } from '../../training/forward/forward-graph.ts'
import { BatchSchedule } from '../../training/trainer/batch-schedule.ts'
import { buildCnn, buildGpt, buildMlp, GPT } from './models.ts'

/** What every contestant of a row trains: the same model, samples, order of samples and steps. */
export interface Workload {
  readonly name: WorkloadName
  readonly model: Uint8Array
  readonly inputs: Float32Array | Int32Array
  readonly inputWidth: number
  readonly labels: Int32Array
  readonly batch: number
  readonly learningRate: number
}

export type WorkloadName = 'mlp' | 'cnn' | 'gpt'

const SEED = 1
const SAMPLES = { mlp: 2048, cnn: 1024, gpt: 256 } as const
/** The order of the samples in a file for others; as many steps as any run of the bench takes. */
const STEPS_MAX = 4096

export function createWorkload(name: WorkloadName): Workload {
  if (name === 'gpt') {
    return { ...tokens(), name, model: buildGpt(), batch: 8, learningRate: 1e-3 }
  }
  const model = name === 'mlp' ? buildMlp() : buildCnn()
  return { ...images(SAMPLES[name]), name, model, batch: 32, learningRate: 1e-3 }
}

/** Ten classes, each a pattern under noise: something that can be learnt. */
function images(count: number) {
  const random = seededRandom(SEED)
  const inputWidth = 784
  const patterns = Array.from({ length: 10 }, () =>
    Float32Array.from({ length: inputWidth }, () => standardNormal(random)),
  )
  const labels = Int32Array.from({ length: count }, () => Math.floor(random() * 10))
  const inputs = new Float32Array(count * inputWidth)
  for (const [place] of inputs.entries()) {
    const pattern = patterns[labels[Math.floor(place / inputWidth)] ?? 0]
    inputs[place] = (pattern?.[place % inputWidth] ?? 0) / 8 + standardNormal(random)
  }
  return { inputs, inputWidth, labels }
}

/** Each token decides half of the next one. */
function tokens() {
  const { places, vocabulary } = GPT
  const random = seededRandom(SEED)
  const draw = (size: number) => Math.floor(random() * size)
  const series = new Int32Array(SAMPLES.gpt * (places + 1))
  for (const [place] of series.entries()) {
    const before = series[place - 1] ?? 0
    series[place] = random() < 0.5 ? (before * 7 + 3) % vocabulary : draw(vocabulary)
  }
  const inputs = new Int32Array(SAMPLES.gpt * places)
  const labels = new Int32Array(SAMPLES.gpt * places)
  for (let sample = 0; sample < SAMPLES.gpt; sample++) {
    const start = sample * (places + 1)
    inputs.set(series.subarray(start, start + places), sample * places)
    labels.set(series.subarray(start + 1, start + 1 + places), sample * places)
  }
  return { inputs, inputWidth: places, labels }
}

/** The order in which every contestant takes the samples. */
export function scheduleOf({ inputs, inputWidth, batch }: Workload): BatchSchedule {
  return new BatchSchedule({ sampleCount: inputs.length / inputWidth, batch, seed: SEED })
}

export const SCHEDULE_SEED = SEED

/** The same as files of plain little-endian numbers, for a contestant in another language. */
export function writeWorkload(folder: string, workload: Workload): void {
  const { name, model, inputs, inputWidth, labels, batch, learningRate } = workload
  const rows = scheduleOf(workload).take(0, STEPS_MAX).rows
  const { initialParameters } = readForwardModel(model)
  const write = (file: string, values: Float32Array | Int32Array) =>
    writeFileSync(
      join(folder, file),
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    )
  write('inputs', inputs)
  write('labels', labels)
  write('rows', rows)
  write('parameters', initialParameters)
  const description = { name, inputWidth, batch, learningRate, steps: STEPS_MAX }
  writeFileSync(join(folder, 'workload.json'), JSON.stringify(description))
}
