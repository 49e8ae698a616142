import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { BlockAssembler, hashOf } from '../../protocol/blocks.ts'
import type { UpdateManifest } from '../../protocol/update.ts'
import type { StoredVersion, TestFleet } from './fleet.ts'
import type { WireTap } from './wire-tap.ts'

/** An update as it went over the wire, put together by the tap. */
export interface SeenUpdate {
  readonly agentId: string
  readonly manifest: UpdateManifest
  readonly parameters: Float32Array
}

/** Updates whose bytes the tap has heard whole, each once, however often it was sent. */
export function updatesSeen(tap: WireTap): SeenUpdate[] {
  const updates = new Map<string, SeenUpdate>()
  for (const { body: manifest, parameters } of tap.all('updateManifest')) {
    const { agentId = '' } = parameters
    const key = `${agentId} ${manifest.grId} ${manifest.sha256}`
    const bytes = updates.has(key) ? null : bytesOf(tap, agentId, manifest)
    if (bytes) updates.set(key, { agentId, manifest, parameters: floatsOf(bytes) })
  }
  return [...updates.values()]
}

/** Σ_k (n_k / n) · w_k in the order given (McMahan et al. 2017, algorithm 1), as bytes. */
export function weightedMean(updates: readonly SeenUpdate[]): Uint8Array {
  const total = updates.reduce((sum, { manifest }) => sum + manifest.sampleCount, 0)
  const length = updates[0]?.parameters.length ?? 0
  const mean = Float32Array.from({ length }, (_, at) =>
    updates.reduce(
      (sum, { manifest, parameters }) =>
        sum + (manifest.sampleCount / total) * (parameters[at] ?? Number.NaN),
      0,
    ),
  )
  return new Uint8Array(mean.buffer)
}

/**
 * Every version on the controller's disk is the mean of updates that were trained from the version
 * before it, and has absorbed just their samples: nothing wrong, nothing twice. Returns how many
 * updates each version was made of.
 */
export function expectHonestVersions(fleet: TestFleet, modelId: string): number[] {
  const seen = updatesSeen(fleet.tap)
  const versions = fleet.versions(modelId)
  return versions.slice(1).map((version, index) => {
    const before = versions[index]
    expect(version.parent).toBe(before?.version)
    expect(version.versionNumber).toBe((before?.versionNumber ?? Number.NaN) + 1)
    const bytes = readFileSync(join(fleet.stateDirectory('controller'), 'blobs', version.version))
    expect(hashOf(bytes)).toBe(version.version)
    const absorbed = version.samplesAbsorbed - (before?.samplesAbsorbed ?? Number.NaN)
    const parts = partsOf(
      version,
      seen.filter(({ manifest }) => manifest.modelId === modelId),
    )
    const made = parts.map(part => part.reduce((sum, one) => sum + one.manifest.sampleCount, 0))
    expect(made, `version ${version.versionNumber} is a mean of updates that were sent`).toEqual([
      absorbed,
    ])
    return parts[0]?.length ?? 0
  })
}

/** The sets of updates with the right base whose mean the version is. */
function partsOf({ version, parent }: StoredVersion, updates: readonly SeenUpdate[]) {
  const candidates = updates.filter(({ manifest }) => manifest.baseVersion === parent)
  return subsetsOf(candidates).filter(
    part => part.length > 0 && hashOf(weightedMean(part)) === version,
  )
}

function subsetsOf<T>(items: readonly T[]): T[][] {
  const [first, ...others] = items
  if (first === undefined) return [[]]
  return subsetsOf(others).flatMap(subset => [subset, [first, ...subset]])
}

function bytesOf(tap: WireTap, agentId: string, manifest: UpdateManifest): Uint8Array | null {
  const assembler = new BlockAssembler(manifest)
  for (const { parameters, bytes } of tap.all('updateBlock')) {
    if (parameters.agentId === agentId && Number(parameters.grId) === manifest.grId) {
      assembler.add(Number(parameters.index), bytes)
    }
  }
  if (!assembler.isComplete) return null
  const finished = assembler.finish()
  return finished.ok ? finished.bytes : null
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer)
}
