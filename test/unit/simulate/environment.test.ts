import { describe, expect, test } from 'vitest'
import type { GraphDevice, GraphInputs } from '../../../controller/orchestrate/graph-inputs.ts'
import { StateGraph } from '../../../controller/orchestrate/horizon/state-graph.ts'
import { IDLE } from '../../../controller/orchestrate/horizon/transition.ts'
import { greedyGainPolicy } from '../../../controller/orchestrate/policies/greedy-gain-policy.ts'
import type { SlotPool } from '../../../controller/orchestrate/slot-pool.ts'
import { achievableWorkload, arrangeConsumption } from '../../../controller/orchestrate/workload.ts'
import { Environment, modelsOf } from '../../../controller/simulate/environment.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { smallCell } from './small-cells.ts'

/** Best total of one device by trying every sequence of models, on the environment itself. */
function bestBySearch(env: Environment, device: number): number {
  const { rounds } = { rounds: env.stages.length }
  const models = env.stages[0]?.modelCount ?? 0
  let best = 0
  for (let code = 0; code < (models + 1) ** rounds; code++) {
    env.reset()
    let total = 0
    for (let round = 0; round < rounds; round++) {
      const choices = new Int32Array(env.stages[0]?.deviceCount ?? 0).fill(IDLE)
      choices[device] = (Math.floor(code / (models + 1) ** round) % (models + 1)) - 1
      total += env.step(choices).gains[device] ?? 0
    }
    best = Math.max(best, total)
  }
  env.reset()
  return best
}

/** One choice by the functions that the controller plans with. */
function playedAlone(
  { devices, models }: GraphInputs,
  o: { readonly device: number; readonly model: number; readonly pool: SlotPool },
): { readonly workload: number; readonly pool: SlotPool } {
  const device = devices[o.device] as GraphDevice
  const model = models[o.model]
  const rates = device.links?.get(model?.link ?? '')
  const idle = { workload: 0, pool: device.nextPool }
  if (model === undefined || rates === undefined) return idle
  const consumptionPool = { ...device.nextPool, ...rates }
  const kinds = [model.sensorKind, ...(model.furtherSensorKinds ?? [])]
  const classes = device.sensors
    .filter(sensor => kinds.includes(sensor.kind))
    .flatMap(sensor => sensor.sensingClass ?? [])
  const sensingPool = o.pool
  const result = achievableWorkload({ sensingPool, consumptionPool, classes, needs: model })
  if (!result.ok) return idle
  const arranged = arrangeConsumption(consumptionPool, model, result.workload)
  if (!arranged.ok) throw new Error(arranged.reason)
  return { workload: result.workload, pool: arranged.residual }
}

const seeds = [1, 2, 3]

describe('environment', () => {
  test('it plays the same rounds from the same seed', () => {
    const gains = [0, 1].map(() => {
      const env = new Environment(smallCell(5))
      return new Float64Array(env.stages.map(() => env.step(new Int32Array(4)).gain))
    })
    expect(gains[0]).toEqual(gains[1])
    expect(gains[0]?.some(gain => gain > 0)).toBe(true)
  })

  test.each(seeds)('a step is the workload and the arrangement of workload.ts (seed %i)', seed => {
    const env = new Environment(smallCell(seed))
    const random = seededRandom(seed)
    let pools = (env.stages[0]?.inputs.devices ?? []).map(device => device.pool)
    while (!env.isOver) {
      const { inputs } = env.stage
      const models = Int32Array.from(pools, () => Math.floor(random() * 4) - 1)
      const { workloads } = env.step(models)
      pools = pools.map((pool, index) => {
        const after = playedAlone(inputs, { device: index, model: models[index] ?? IDLE, pool })
        expect(workloads[index]).toBe(after.workload)
        return after.pool
      })
      for (const [index, pool] of pools.entries()) {
        const span = [index * pool.slots, (index + 1) * pool.slots] as const
        expect(env.pools.blocks.subarray(...span)).toEqual(pool.blocks)
        for (const [slot, flops] of env.pools.flops.subarray(...span).entries()) {
          expect(flops).toBeCloseTo(pool.flops[slot] ?? 0, 3)
        }
      }
    }
  })

  test.each(seeds)('no sequence of models gains more than the exact plan (seed %i)', seed => {
    const env = new Environment(smallCell(seed))
    const graph = new StateGraph(env.stages)
    for (let device = 0; device < 4; device++) {
      const planned = graph.solve(graph.addDevice(device, env.pools))
      expect(planned).toBeCloseTo(bestBySearch(env, device), 12)
    }
  })

  test('what a matching promises is what the step pays', () => {
    const env = new Environment(smallCell(7))
    while (!env.isOver) {
      const matching = greedyGainPolicy.propose(env.graph(), { random: seededRandom(1) })
      expect(env.step(modelsOf(matching)).gain).toBeCloseTo(matching.gain, 12)
    }
  })

  test('a stale view shows the past and pays the present', () => {
    const [fresh, stale] = [0, 1].map(staleCrs => new Environment(smallCell(3), { staleCrs }))
    fresh?.step(new Int32Array(4).fill(IDLE))
    stale?.step(new Int32Array(4).fill(IDLE))
    expect(stale?.stage.correlation).not.toEqual(fresh?.stage.correlation)
    expect(stale?.step(new Int32Array(4)).gain).toBe(fresh?.step(new Int32Array(4)).gain)
  })
})
