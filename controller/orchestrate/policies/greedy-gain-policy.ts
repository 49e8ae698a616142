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
    const open = new OpenEdges(graph, absorbed)
    for (let best = open.next(); best !== null; best = open.next()) {
      const { device, model } = best
      if (!room.has(model)) {
        open.closeModel(model)
        continue
      }
      choices[device] = choiceOf(graph, absorbed, best)
      room.take(model)
      absorbed.add(device, model)
      open.closeDevice(best)
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

/** Edges of devices without a match, the one with the greatest gain first. */
class OpenEdges {
  readonly #absorbed: Absorbed
  readonly #isClosed: Uint8Array
  readonly #models: readonly ModelEdges[]

  constructor(graph: LatentGraph, absorbed: Absorbed) {
    this.#absorbed = absorbed
    this.#isClosed = new Uint8Array(graph.devices.length)
    this.#models = graph.models.map((_, model) => new ModelEdges(graph, model))
  }

  /** The edge with the greatest gain; null where none is left that gains anything. */
  next(): Candidate | null {
    for (;;) {
      const model = this.#greatest()
      const edges = this.#models[model]
      if (edges === undefined || !(edges.bound > 0)) return null
      const device = edges.top()
      if (this.#isClosed[device]) edges.pop()
      else if (edges.isExact(device)) return { device, model, gain: this.#gainOf(device, model) }
      else edges.settle(device, this.#gainOf(device, model))
    }
  }

  closeDevice({ device, model }: Candidate): void {
    this.#isClosed[device] = 1
    this.#models[model]?.absorb(this.#absorbed.shareLeft(model))
  }

  closeModel(model: number): void {
    this.#models[model]?.close()
  }

  #gainOf(device: number, model: number): number {
    return this.#absorbed.gainOf(device, model)
  }

  /** Model whose first edge may gain most; of equal ones that with the lower device. */
  #greatest(): number {
    let best = 0
    for (let model = 1; model < this.#models.length; model++) {
      const [one, other] = [this.#models[model], this.#models[best]] as [ModelEdges, ModelEdges]
      if (one.bound < other.bound) continue
      if (one.bound > other.bound || one.top() < other.top()) best = model
    }
    return best
  }
}

/**
 * Edges of one model by the greatest gain that each can have. As the model absorbs, all of them
 * fall; that of the greatest workload falls least, so that its share bounds the others. Only what
 * comes to the top by that bound is computed anew.
 */
class ModelEdges {
  /** Greatest gain that an open edge of the model can have. */
  bound = 0
  readonly #edges: GreatestFirst
  /** Matches of the model at which the gain of each device was computed. */
  readonly #knownAt: Int32Array
  #matches = 0
  /** What absorbing left of the greatest gain so far. */
  #share = 1

  constructor({ gains, devices, models }: LatentGraph, model: number) {
    this.#edges = new GreatestFirst(
      devices.map((_, device) => gains[device * models.length + model] ?? 0),
    )
    this.#knownAt = new Int32Array(devices.length)
    this.#measure()
  }

  top(): number {
    return this.#edges.top()
  }

  pop(): void {
    this.#edges.pop()
    this.#measure()
  }

  isExact(device: number): boolean {
    return this.#knownAt[device] === this.#matches
  }

  /** The gain of the device at the top, as it is now. */
  settle(device: number, gain: number): void {
    this.#knownAt[device] = this.#matches
    this.#edges.lowerTop(gain / this.#share)
    this.#measure()
  }

  absorb(share: number): void {
    this.#share = share
    this.#matches++
    this.#measure()
  }

  close(): void {
    this.bound = 0
  }

  #measure(): void {
    this.bound = this.#edges.topValue() * this.#share
  }
}

/** Samples matched to each model in this decision so far. */
class Absorbed {
  readonly #graph: LatentGraph
  readonly #samples: Float64Array
  readonly #counts: boolean
  readonly #workloadMax: Float64Array

  constructor(graph: LatentGraph) {
    this.#graph = graph
    this.#samples = new Float64Array(graph.models.length)
    this.#counts = graph.stage.inputs.gain.countsMatched ?? true
    this.#workloadMax = new Float64Array(graph.models.length)
    for (const [pair, workload] of graph.workloads.entries()) {
      const model = pair % graph.models.length
      this.#workloadMax[model] = Math.max(this.#workloadMax[model] ?? 0, workload)
    }
  }

  /** φ of the greatest workload on the model's edges, after what was matched over before. */
  shareLeft(model: number): number {
    const matched = this.#samples[model] ?? 0
    const curve = this.#graph.stage.curves[model]
    const workload = this.#workloadMax[model] ?? 0
    if (matched === 0 || workload === 0 || curve === undefined) return 1
    const { effectiveSamples, exponent } = curve
    const after = { workload, exponent, effectiveSamples: effectiveSamples + matched }
    return learningShare(after) / learningShare({ workload, exponent, effectiveSamples })
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
