import { describe, expect, test } from 'vitest'
import { dataCorrelation, gaiGain } from '../../../controller/orchestrate/gai-gain.ts'
import type {
  GraphDevice,
  GraphModel,
  GraphSensor,
} from '../../../controller/orchestrate/graph-inputs.ts'
import { buildLatentGraph } from '../../../controller/orchestrate/latent-graph.ts'
import { greedyGainPolicy } from '../../../controller/orchestrate/policies/greedy-gain-policy.ts'
import { matchingOf, roundChoiceOf } from '../../../controller/orchestrate/policies/policy.ts'
import { POLICIES, policyOf } from '../../../controller/orchestrate/policies/registry.ts'
import type { DataSketch } from '../../../protocol/urp.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { poolOf } from './pools.ts'

const sketch = (counts: readonly number[]): DataSketch => ({
  kind: 'byte-histogram',
  counts: Array.from({ length: 256 }, (_, byte) => counts[byte] ?? 0),
  sampleCount: 100,
})

const sensor = (samplesPerSecond: number, name = 'notes'): GraphSensor => ({
  sensor: name,
  kind: 'text-folder',
  samplesPerSecond,
  bytesPerSecond: 0,
  dropShare: 0,
  resourceBlocks: 0,
})

const pool = poolOf({ blocks: [0, 4, 4, 4, 4], flops: [0, 100, 100, 100, 100] })

const device = (o: Partial<GraphDevice> = {}): GraphDevice => ({
  agentId: 'pi-1',
  pool,
  nextPool: pool,
  sensors: [sensor(5)],
  sketch: sketch([100, 0]),
  ...o,
})

const model = (o: Partial<GraphModel> = {}): GraphModel => ({
  modelId: 'prose',
  value: 1,
  downloadBits: 4,
  uploadBits: 4,
  flopsPerSample: 2,
  localEpochs: 1,
  absorbedSamples: 0,
  sensorKind: 'text-folder',
  targetSketch: sketch([100, 0]),
  ...o,
})

const graphOf = (devices: readonly GraphDevice[], models: readonly GraphModel[]) =>
  buildLatentGraph({
    crId: 3,
    devices,
    models,
    gain: { effectiveSamplesPrior: 50, exponent: 0.35, smoothing: 0.05 },
    computeOverheadOf: agentId => (agentId === 'slow' ? 50 : 2),
  })

const context = { random: seededRandom(1) }

describe('latent graph', () => {
  test('an edge carries gain, workload, correlation, what limits it and what it needs', () => {
    const other = model({ modelId: 'code', targetSketch: sketch([50, 50]), absorbedSamples: 200 })
    const graph = graphOf([device()], [model(), other])
    const correlation = dataCorrelation(sketch([100, 0]), sketch([50, 50]), 0.05)
    expect(graph.edges[1]).toEqual({
      agentId: 'pi-1',
      modelId: 'code',
      device: 0,
      model: 1,
      gain: gaiGain({
        value: 1,
        correlation,
        workload: 20,
        effectiveSamples: 250,
        exponent: 0.35,
      }),
      workload: 20,
      correlation,
      limitedBy: 'sensing',
      sensingCapacity: 20,
      consumptionCapacity: 50,
      needs: { downloadBits: 4, uploadBits: 4, flopsPerSample: 4 },
      sensor: 'notes',
      sensorSlots: [1, 5],
    })
    expect(graph.missing).toEqual([])
  })

  test('vertices carry the residual pool of a device and the needs of a model', () => {
    const residual = { ...pool, blocks: pool.blocks.map(free => free / 2) }
    const graph = graphOf([device({ pool: residual })], [model({ absorbedSamples: 30 })])
    expect(graph.devices).toEqual([{ agentId: 'pi-1', freeBlockShare: 0.5, freeComputingShare: 1 }])
    expect(graph.models).toEqual([
      { modelId: 'prose', value: 1, payloadBits: 8, flopsPerSample: 2, effectiveSamples: 80 },
    ])
  })

  test('a pair that cannot serve each other has no edge but a reason', () => {
    const small = poolOf({ blocks: [0, 1, 1, 1, 1], flops: [0, 100, 100, 100, 100] })
    const devices = [
      device({ agentId: 'blind', sensors: [] }),
      device({ agentId: 'silent', sketch: undefined }),
      device({ agentId: 'narrow', nextPool: small }),
      device({ agentId: 'idle', sensors: [sensor(0.1)] }),
    ]
    const graph = graphOf(devices, [model({ downloadBits: 5 })])
    expect(graph.edges).toEqual([])
    expect(graph.missing.map(edge => `${edge.agentId}: ${edge.reason}`)).toEqual([
      'blind: no sensor of kind text-folder',
      'silent: no sketch of its data was reported',
      'narrow: the download needs 5 resource blocks, 4 are free',
      'idle: sensing delivers no whole sample in this CR',
    ])
  })

  test('sensing uses this round and consumption the forecast of the next', () => {
    const busy = poolOf({ blocks: [0, 4, 4, 4, 4], flops: [0, 0, 20, 20, 0] })
    expect(graphOf([device({ nextPool: busy })], [model()]).edges[0]).toMatchObject({
      sensingCapacity: 20,
      consumptionCapacity: 10,
      limitedBy: 'consumption',
    })
    expect(graphOf([device({ pool: busy })], [model()]).edges[0]).toMatchObject({
      limitedBy: 'sensing',
    })
  })

  test('the measured overhead of a device counts against its workload', () => {
    const [edge] = graphOf([device({ agentId: 'slow' })], [model()]).edges
    expect(edge).toMatchObject({ consumptionCapacity: 2, limitedBy: 'consumption' })
  })

  test('of several sensors of the kind the one that delivers most is taken', () => {
    const sensors = [sensor(1, 'slow'), sensor(3, 'fast'), sensor(3, 'same')]
    expect(graphOf([device({ sensors })], [model()]).edges[0]?.sensor).toBe('fast')
  })
})

describe('greedy gain policy', () => {
  test('each device takes the model with the greatest gain, and the bound is attained', () => {
    const devices = [device(), device({ agentId: 'pi-2', sketch: sketch([0, 100]) })]
    const models = [model(), model({ modelId: 'code', targetSketch: sketch([0, 100]) })]
    const matching = greedyGainPolicy.propose(graphOf(devices, models), context)
    expect(matching.choices.map(choice => choice.edge?.modelId)).toEqual(['prose', 'code'])
    expect(matching.gain).toBe(matching.bound)
    expect(matching.gap).toBe(0)
    expect(matching.choices[0]?.reason).toMatch(/^gain 0\.1\d\d before 0\.00\d of code: 20 samples/)
  })

  test('a starved model attracts a device that suits both alike', () => {
    const fed = model({ modelId: 'fed', absorbedSamples: 5000 })
    const starved = model({ modelId: 'starved' })
    const { choices } = greedyGainPolicy.propose(graphOf([device()], [fed, starved]), context)
    expect(choices[0]?.edge?.modelId).toBe('starved')
  })

  test('of equal gains the model with the lower index is taken', () => {
    const graph = graphOf([device()], [model({ modelId: 'b' }), model({ modelId: 'a' })])
    expect(greedyGainPolicy.propose(graph, context).choices[0]?.edge?.modelId).toBe('b')
  })

  test('a device without an edge idles, and the choice says why', () => {
    const graph = graphOf([device({ sensors: [] })], [model(), model({ modelId: 'code' })])
    const matching = greedyGainPolicy.propose(graph, context)
    expect(matching).toMatchObject({ gain: 0, bound: 0, gap: 0 })
    expect(matching.choices.map(roundChoiceOf)).toEqual([
      {
        agentId: 'pi-1',
        modelId: null,
        gain: 0,
        workload: 0,
        reason: 'idle: prose: no sensor of kind text-folder; code: no sensor of kind text-folder',
      },
    ])
  })

  test('no devices make an empty matching', () => {
    expect(greedyGainPolicy.propose(graphOf([], [model()]), context)).toEqual({
      choices: [],
      gain: 0,
      bound: 0,
      gap: 0,
    })
  })

  test('a matching below the bound states its gap', () => {
    const graph = graphOf([device(), device({ agentId: 'pi-2' })], [model()])
    const [edge] = graph.edges
    const choices = [
      { agentId: 'pi-1', edge: edge ?? null, reason: '' },
      { agentId: 'pi-2', edge: null, reason: '' },
    ]
    expect(matchingOf(graph, choices).gap).toBeCloseTo(0.5, 12)
  })

  test('a choice fits the round record', () => {
    const { choices } = greedyGainPolicy.propose(graphOf([device()], [model()]), context)
    expect(choices.map(roundChoiceOf)[0]).toMatchObject({
      agentId: 'pi-1',
      modelId: 'prose',
      workload: 20,
      correlation: 1,
    })
    const long = { agentId: 'pi-1', edge: null, reason: 'x'.repeat(600) }
    expect(roundChoiceOf(long).reason).toHaveLength(500)
  })
})

describe('policies', () => {
  test('every policy is found by its name, and names are unique', () => {
    for (const policy of POLICIES) expect(policyOf(policy.name)).toBe(policy)
    expect(new Set(POLICIES.map(policy => policy.name)).size).toBe(POLICIES.length)
  })

  test('an unknown name is refused with those that exist', () => {
    expect(() => policyOf('greedy')).toThrow("policy: 'greedy' is none of greedy-gain, receding-dp")
  })

  test.each(POLICIES)(
    '$name gives one choice a device, of its own edges, within the bound',
    one => {
      const devices = [device(), device({ agentId: 'pi-2', sensors: [] })]
      const graph = graphOf(devices, [model(), model({ modelId: 'code', value: 0.5 })])
      const matching = one.propose(graph, context)
      expect(matching.choices.map(choice => choice.agentId)).toEqual(['pi-1', 'pi-2'])
      for (const { agentId, edge } of matching.choices) {
        if (edge !== null) {
          const own = graph.edges.find(
            other => other.device === edge.device && other.model === edge.model,
          )
          expect(edge).toEqual({ ...own, gain: edge.gain })
          expect(edge.gain).toBeLessThanOrEqual(own?.gain ?? 0)
          expect(edge.agentId).toBe(agentId)
        }
      }
      expect(matching.gain).toBeLessThanOrEqual(matching.bound)
    },
  )

  test('devices alike share out the models instead of all taking the best one', () => {
    const devices = ['pi-1', 'pi-2', 'pi-3', 'pi-4'].map(agentId => device({ agentId }))
    const models = [model(), model({ modelId: 'second', value: 0.9 })]
    const { choices, gain, bound, gap } = policyOf('greedy-gain').propose(
      graphOf(devices, models),
      context,
    )
    const served = choices.map(choice => choice.edge?.modelId)
    expect(served.filter(modelId => modelId === 'second')).toHaveLength(2)
    // The first match is worth all of its gain, each further one for the same model less.
    const gains = choices.map(choice => choice.edge?.gain ?? 0)
    expect(new Set(gains).size).toBe(4)
    expect(gap).toBeCloseTo((bound - gain) / bound)
    expect(gap).toBeGreaterThan(0)
  })
})
