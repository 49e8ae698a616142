import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { capacityPrices } from '../../../controller/orchestrate/horizon/capacity-prices.ts'
import { StateGraph } from '../../../controller/orchestrate/horizon/state-graph.ts'
import { pricedDpPolicy } from '../../../controller/orchestrate/policies/priced-dp-policy.ts'
import { Environment, modelsOf } from '../../../controller/simulate/environment.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { smallCell } from '../simulate/small-cells.ts'

// The package declares its ES module as if it were CommonJS, so its CommonJS half is loaded.
const loadHighs: typeof import('highs').default = createRequire(import.meta.url)('highs')
const highs = await loadHighs()

/** Every sequence of actions of every device is a column; one is taken of each, within capacities. */
function exactOptimum(graph: StateGraph, roots: readonly number[], capacities: readonly number[]) {
  const columns: { device: number; gain: number; uses: string[] }[] = []
  const walk = (device: number, node: number, gain: number, uses: string[]): void => {
    if (node < 0) {
      columns.push({ device, gain, uses })
      return
    }
    for (const edge of graph.edgesOf(node)) {
      const model = graph.edgeModel.values[edge] ?? -1
      const stage = graph.stageOf.values[node]
      const used = model < 0 ? uses : [...uses, `m${model}r${stage}`]
      const next = graph.edgeNext.values[edge] ?? -1
      walk(device, next, gain + (graph.edgeGain.values[edge] ?? 0), used)
    }
  }
  for (const [device, root] of roots.entries()) walk(device, root, 0, [])
  const rowOf = (picks: (column: (typeof columns)[number]) => boolean): string =>
    columns.flatMap((column, index) => (picks(column) ? [`x${index}`] : [])).join(' + ')
  const oneEach = roots.map((_, device) => `d${device}: ${rowOf(one => one.device === device)} = 1`)
  const within = [...new Set(columns.flatMap(one => one.uses))].map(use => {
    const capacity = capacities[Number(use.slice(1).split('r')[0])] ?? 0
    return `${use}: ${rowOf(one => one.uses.includes(use))} <= ${capacity}`
  })
  const problem = (kind: string): string =>
    [
      'Maximize',
      `gain: ${columns.map(({ gain }, index) => `${gain.toFixed(12)} x${index}`).join(' + ')}`,
      'Subject To',
      ...oneEach,
      ...within,
      kind,
      columns.map((_, index) => `x${index}`).join(' '),
      'End',
    ].join('\n')
  const relaxed = problem('General').replace(/General\n.*\n/, '')
  return {
    integer: highs.solve(problem('Binary')).ObjectiveValue,
    relaxed: highs.solve(relaxed).ObjectiveValue,
  }
}

const seeds = [1, 2, 3, 4]

describe('capacity prices', () => {
  test.each(seeds)(
    'the bound meets the linear program and bounds the exact optimum (seed %i)',
    seed => {
      const env = new Environment(smallCell(seed, { rounds: 2, vehicles: 5 }))
      const graph = new StateGraph(env.stages)
      const capacities = [1, 1, 1]
      const devices = Array.from({ length: 5 }, (_, device) => graph.addDevice(device, env.pools))
      const { bound, prices } = capacityPrices(graph, devices, capacities)
      const exact = exactOptimum(
        graph,
        devices.map(nodes => nodes.from),
        capacities,
      )
      expect(Math.min(...prices)).toBeGreaterThanOrEqual(0)
      expect(bound).toBeGreaterThanOrEqual(exact.integer - 1e-9)
      expect(bound).toBeGreaterThanOrEqual(exact.relaxed - 1e-9)
      expect(bound).toBeLessThan(exact.relaxed * 1.02)
    },
  )

  test.each(seeds)('the price-guided plan comes near the exact optimum (seed %i)', seed => {
    const env = new Environment(smallCell(seed, { rounds: 2, vehicles: 5 }))
    const capacities = [1, 1, 1]
    const graph = new StateGraph(env.stages)
    const roots = Array.from({ length: 5 }, (_, one) => graph.addDevice(one, env.pools).from)
    const { integer } = exactOptimum(graph, roots, capacities)
    let gain = 0
    while (!env.isOver) {
      const future = env.stagesAhead
      const context = { random: seededRandom(1), capacities, future }
      const matching = pricedDpPolicy.propose(env.graph(), context)
      const models = modelsOf(matching)
      for (const [model, capacity] of capacities.entries()) {
        expect(models.filter(one => one === model).length).toBeLessThanOrEqual(capacity)
      }
      gain += env.step(models).gain
    }
    expect(gain).toBeLessThanOrEqual(integer + 1e-9)
    expect(gain).toBeGreaterThan(0.95 * integer)
  })

  test('capacities that nobody reaches have no price, and the bound is the optimum', () => {
    const env = new Environment(smallCell(2))
    const graph = new StateGraph(env.stages)
    const devices = Array.from({ length: 4 }, (_, device) => graph.addDevice(device, env.pools))
    const { bound, prices } = capacityPrices(graph, devices, [4, 4, 4])
    expect(Math.max(...prices)).toBe(0)
    const free = devices.reduce((sum, nodes) => sum + graph.solve(nodes), 0)
    expect(bound).toBeCloseTo(free, 12)
  })
})
