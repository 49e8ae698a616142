import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openCpuGroup } from '../../../bench/compute/cpu-group.ts'
import { realSteps } from '../../../bench/compute/real-steps.ts'
import { jobOf, STEP_MODELS, type StepModelName } from '../../../bench/compute/step-models.ts'
import { trainingWork } from '../../../training/cost/count-work.ts'

test('a group gives real steps the quota asked for, and is gone afterwards', async context => {
  const name = `gainnet-test-${process.pid}`
  const opened = openCpuGroup(name)
  if (!opened.ok) return context.skip(`no control group for CPU time: ${opened.reason}`)
  const options = { job: jobOf('mlp-small'), stretches: 1, stretchSeconds: 0.6 }
  const steps = await realSteps({ ...options, group: opened.group, quotas: [20, 100] }).finally(
    () => opened.group.remove(),
  )
  const [limited, whole] = [20, 100].map(quota => steps.get(quota))
  const [wall = 0, cpu = 1] = [limited?.wallSeconds[0], limited?.cpuSeconds[0]]
  // A fifth of a core takes five times the CPU time, longer where others want the core as well.
  expect(wall / cpu).toBeGreaterThan(3)
  expect(wall / (whole?.cpuSeconds[0] ?? 1)).toBeGreaterThan(1.5)
  for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/cpu']) {
    expect(existsSync(`${root}/${name}`)).toBe(false)
  }
}, 30_000)

test('the models whose steps are timed grow from small to large', () => {
  const flops = (name: StepModelName) => trainingWork(jobOf(name).artifact).step.flops
  for (const kind of ['mlp', 'cnn', 'gpt'] as const) {
    const sizes = (['small', 'medium', 'large'] as const).map(size => flops(`${kind}-${size}`))
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
    expect((sizes[2] ?? 0) / (sizes[0] ?? 1)).toBeGreaterThan(20)
  }
  expect(Object.keys(STEP_MODELS)).toHaveLength(9)
})
