import { learningShare } from '../gai-gain.ts'
import type { GraphEdge, LatentGraph, MissingEdge } from '../latent-graph.ts'
import { GreatestFirst } from './greatest-first.ts'
import { type Choice, matchingOf, type Policy } from './policy.ts'
import { Room } from './room.ts'

/**
 * Takes the device and model with the greatest GAI gain, then again among the devices that are left,
 * ties to the lower index; a device idles where it has no edge of any gain. Each match counts: the
 * model then has absorbed its workload, and is worth less to the devices that follow
 * (docs/decisions/001-absorbed-samples.md). With one device it is the rule that GainNet, III-A, gives
 * for serial rounds. It does not see that consumption takes resources from the next sensing.
 *
 * Gains only fall as models absorb, so an edge whose gain is still the greatest when it is computed
 * anew is the next match, and the others need not be looked at (lazy greedy, Minoux 1978).
 */
export const greedyGainPolicy: Policy = {
  name: 'greedy-gain',
  label: 'Greedy gain',
  propose: (graph, context) => {
    const choices: Choice[] = graph.devices.map(({ agentId }) => ({
      agentId,
      edge: null,
      reason: '',
    }))
    const room = new Room(context)
    const absorbed = new Absorbed(graph)
    const bests = new DeviceBests(graph)
    for (let top = bests.top(); top !== null; top = bests.top()) {
      const { device, model } = top
      const gain = room.has(model) ? absorbed.gainOf(device, model) : 0
      if (gain < top.gain) {
        bests.lower(top, gain)
        continue
      }
      bests.close()
      choices[device] = choiceOf(graph, absorbed, { device, model, gain })
      room.take(model)
      absorbed.add(device, model)
    }
    const named = choices.map((choice, device) =>
      choice.edge === null ? { ...choice, reason: idleReason(graph.missingOf(device)) } : choice,
    )
    return matchingOf(graph, named)
  },
}

interface Candidate {
  readonly device: number
  readonly model: number
  readonly gain: number
}

/** The open device whose best edge, by what was last known of its gains, is the best of all. */
class DeviceBests {
  readonly #gains: Float64Array
  readonly #models: number
  /** Model of each device's greatest known gain. */
  readonly #bestModel: Int32Array
  readonly #open: GreatestFirst

  constructor({ gains, devices, models }: LatentGraph) {
    this.#gains = gains.slice()
    this.#models = models.length
    this.#bestModel = Int32Array.from(devices, (_, device) => this.#findBest(device))
    this.#open = new GreatestFirst(devices.map((_, device) => this.#gainOfBest(device)))
  }

  top(): Candidate | null {
    const device = this.#open.top()
    if (device < 0) return null
    const gain = this.#gainOfBest(device)
    return gain > 0 ? { device, model: this.#bestModel[device] ?? 0, gain } : null
  }

  /** The gain of the top turned out to be less. */
  lower({ device, model }: Candidate, gain: number): void {
    this.#gains[device * this.#models + model] = gain
    this.#bestModel[device] = this.#findBest(device)
    this.#open.lowerTop(this.#gainOfBest(device))
  }

  /** The device of the top has its model. */
  close(): void {
    this.#open.pop()
  }

  #gainOfBest(device: number): number {
    return this.#gains[device * this.#models + (this.#bestModel[device] ?? 0)] ?? 0
  }

  #findBest(device: number): number {
    const gains = this.#gains
    const from = device * this.#models
    let best = from
    let most = gains[from] ?? 0
    for (let pair = from + 1; pair < from + this.#models; pair++) {
      const gain = gains[pair] ?? 0
      if (gain > most) {
        best = pair
        most = gain
      }
    }
    return best - from
  }
}

/** Samples matched to each model in this decision so far. */
class Absorbed {
  readonly #graph: LatentGraph
  readonly #samples: Float64Array
  readonly #counts: boolean

  constructor(graph: LatentGraph) {
    this.#graph = graph
    this.#samples = new Float64Array(graph.models.length)
    this.#counts = graph.stage.inputs.gain.countsMatched ?? true
  }

  add(device: number, model: number): void {
    const workload = this.#graph.workloads[device * this.#samples.length + model] ?? 0
    if (this.#counts) this.#samples[model] = (this.#samples[model] ?? 0) + workload
  }

  /** The gain of a pair after what this decision has matched to its model so far. */
  gainOf(device: number, model: number): number {
    const { stage, gains, workloads, exponent } = this.#graph
    const pair = device * this.#samples.length + model
    const matched = this.#samples[model] ?? 0
    if (matched === 0) return gains[pair] ?? 0
    const effectiveSamples = (stage.curves[model]?.effectiveSamples ?? 0) + matched
    const workload = workloads[pair] ?? 0
    return (stage.factor[pair] ?? 0) * learningShare({ workload, effectiveSamples, exponent })
  }
}

function choiceOf(graph: LatentGraph, absorbed: Absorbed, one: Candidate): Choice {
  const { agentId = '' } = graph.devices[one.device] ?? {}
  const edge = graph.edgeOf(one.device, one.model)
  if (edge === null) return { agentId, edge, reason: '' }
  return {
    agentId,
    edge: { ...edge, gain: one.gain },
    reason: reasonFor(graph, absorbed, edge, one),
  }
}

function reasonFor(
  graph: LatentGraph,
  absorbed: Absorbed,
  { workload, limitedBy, correlation }: GraphEdge,
  { device, model, gain }: Candidate,
): string {
  let second = -1
  let secondGain = 0
  for (let other = 0; other < graph.models.length; other++) {
    if (other === model || !(graph.workloads[device * graph.models.length + other] ?? 0)) continue
    const one = absorbed.gainOf(device, other)
    if (second >= 0 && one <= secondGain) continue
    second = other
    secondGain = one
  }
  const lead =
    second < 0
      ? `gain ${gain.toFixed(3)}, the only model in reach`
      : `gain ${gain.toFixed(3)} before ${secondGain.toFixed(3)} of ${graph.models[second]?.modelId}`
  return `${lead}: ${workload} samples (limited by ${limitedBy}), correlation ${correlation.toFixed(2)}`
}

function idleReason(missing: readonly MissingEdge[]): string {
  if (missing.length === 0) return 'idle: no model has a gain'
  return `idle: ${missing.map(edge => `${edge.modelId}: ${edge.reason}`).join('; ')}`
}
