import { expect, test } from 'vitest'
import { predictedOverhead } from '../../../controller/rounds/predicted-overhead.ts'
import type { Urp } from '../../../protocol/urp.ts'
import { NO_WORK } from '../../../training/cost/work-counts.ts'

const unit = (name: string, peakFlopsPerSecond: number) => ({
  unit: name,
  kind: 'cpu-core' as const,
  peakFlopsPerSecond,
  sustainedFactor: 0.5,
})

const none = { ...NO_WORK }

function computing(classes?: Urp['computing']['classes']): Pick<Urp, 'computing'> {
  return {
    computing: {
      units: [unit('cpu0', 2e9), unit('cpu1', 8e9)],
      availability: { rows: 1, columns: 2, values: Float32Array.of(1, 1) },
      threads: 1,
      ...(classes ? { classes } : {}),
    },
  }
}

// A step of 10 samples: 40 MFLOP, and a thousand operators.
const model = {
  work: { step: { ...none, flops: 4e7, operators: 1000 }, run: none },
  samplesPerStep: 10,
  flopsPerSample: 4e6,
}

test('the predicted factor is the time of a step on the best unit over that of its products', () => {
  const classes = [
    { units: ['cpu0'], kernels: [], secondsPer: { ...none, flops: 1, operators: 1 } },
    { units: ['cpu1'], kernels: [], secondsPer: { ...none, flops: 2e-10, operators: 4e-6 } },
  ]
  // 8 ms of products and 4 ms of starts; at 4 GFLOP/s the products alone would take 10 ms.
  expect(predictedOverhead(computing(classes), model)).toBeCloseTo(1.2, 9)
})

test('nothing is predicted where the board has not measured all kernels', () => {
  expect(predictedOverhead(computing(), model)).toBeUndefined()
  expect(predictedOverhead(computing([{ units: ['cpu1'], kernels: [] }]), model)).toBeUndefined()
  expect(
    predictedOverhead(computing([{ units: ['cpu0'], kernels: [], secondsPer: none }]), model),
  ).toBeUndefined()
})
