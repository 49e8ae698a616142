import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ComputeValues } from '../../../agent/measure/compute/compute-values.ts'
import { readConditions } from '../../../agent/measure/conditions.ts'
import { coreClasses, readCores } from '../../../agent/measure/cores.ts'
import { computingShareOf } from '../../../agent/measure/cpu-probe.ts'
import { readInventory } from '../../../agent/measure/inventory.ts'
import { type Probe, type ProbeResult, runProbe } from '../../../agent/measure/probe.ts'
import { buildProbes, type ProbeResults } from '../../../agent/measure/registry.ts'
import { filled } from '../../../agent/measure/slot-sample.ts'
import { buildUrp, type UrpContent } from '../../../agent/urp/urp-builder.ts'
import { decodeBody, encodeBody } from '../../../protocol/body-codec.ts'
import type { Matrix } from '../../../protocol/matrix.ts'
import { createLogger } from '../../../runtime/logger.ts'
import {
  BOARDS,
  type BoardName,
  recordedBoard,
  recordedSlot,
} from '../../support/recorded-board.ts'
import { ROOT } from '../../support/root.ts'

const log = createLogger({ daemon: 'test', level: 'silent' })
const AT_MS = Date.parse('2025-01-01T12:00:00.000Z')
const clock = {
  now: () => AT_MS,
  at: () => {
    throw new Error('nothing waits here')
  },
}

test.each(BOARDS)('what is known of %s, and its URP, are what they were', async name => {
  const golden = join(ROOT, 'test', 'fixtures', 'boards', name, 'golden.txt')
  const document = JSON.stringify(await documentOf(name), null, 2)
  const { filesRoot } = recordedBoard(name)
  await expect(`${document.replaceAll(filesRoot, '')}\n`).toMatchFileSnapshot(golden)
})

/** Everything that depends on the board alone: not on this machine, its time or its speed. */
async function documentOf(name: BoardName) {
  const roots = recordedBoard(name)
  const { architecture: _, node: __, ...board } = await readInventory({ ...roots, log })
  const results = await readBoard(name)
  return {
    board,
    conditions: await readConditions(roots),
    probes: Object.fromEntries(
      Object.entries(results)
        .filter(([probe]) => probe !== 'compute')
        .map(([probe, { measuredAt: _, durationMs: __, cost: ___, ...result }]) => [probe, result]),
    ),
    urp: printable(passedOverTheWire(urpOf(name, results))),
  }
}

async function readBoard(name: BoardName): Promise<ProbeResults> {
  const roots = recordedBoard(name)
  const { compute: _, ...probes } = buildProbes({
    link: { peer: () => undefined, bytesMax: 1 },
    filesRoot: roots.filesRoot,
  })
  const results: Record<string, ProbeResult<unknown>> = {}
  for (const [key, probe] of Object.entries(probes)) {
    results[key] = await runProbe(probe as Probe<unknown>, { roots, log, clock })
  }
  return { ...(results as ProbeResults), compute: await computeResult(name) }
}

/** Rates cannot be recorded in a tree: each class of cores gets one written here. */
async function computeResult(name: BoardName): Promise<ProbeResult<ComputeValues>> {
  const roots = recordedBoard(name)
  const classes = coreClasses(await readCores(roots)).map((members, index) => ({
    units: members.map(({ unit }) => unit),
    measuredUnit: members[0]?.unit ?? '',
    trainingFlopsPerSecond: 4e9 / (index + 1),
    peakFlopsPerSecond: 5e9 / (index + 1),
    sustainedFactor: 0.8,
    gemmFlopsPerSecond: 9e9,
  }))
  const conditions = await readConditions(roots)
  return {
    status: 'ok',
    values: { runtime: 'native', classes, before: conditions, after: conditions },
    figures: [],
    method: 'training steps, written into the test',
    conditions,
    measuredAt: new Date(AT_MS).toISOString(),
    durationMs: 0,
  }
}

function urpOf(name: BoardName, results: ProbeResults): UrpContent {
  const cpu = results.cpu?.status === 'ok' ? results.cpu.values : { cores: [] }
  const units = cpu.cores.map(({ unit }) => unit)
  const load = recordedSlot(name, { units, computingShareMax: computingShareOf(cpu, 0.8) })
  const available = (measured: Matrix, method: string) => {
    const matrix = filled(measured)
    return matrix && { matrix, method }
  }
  return buildUrp({
    round: { crId: 0, slots: 2, slotMs: 1000, startsAtMs: AT_MS },
    results,
    units,
    computing: available(load.computing, 'free ticks'),
    memory: available(load.memory, 'free memory'),
    link: null,
    linkName: 'edge',
    limits: { threads: 1, memoryBytes: 1e9 },
    sensing: [],
    forecastAt: new Date(AT_MS).toISOString(),
  })
}

function passedOverTheWire(urp: UrpContent): UrpContent {
  const envelope = { session: 1, sequence: 0, sentAt: new Date(AT_MS).toISOString() }
  const decoded = decodeBody('urp', encodeBody('urp', { ...urp, ...envelope }))
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.body
}

function printable({ computing, memory, ...urp }: UrpContent) {
  return {
    ...urp,
    computing: { ...computing, availability: rowsOf(computing.availability) },
    ...(memory?.availability
      ? { memory: { ...memory, availability: rowsOf(memory.availability) } }
      : { memory }),
  }
}

/** A line a slot, so that a changed share shows as one changed line. */
function rowsOf({ rows, columns, values }: Matrix): string[] {
  return Array.from({ length: rows }, (_, row) =>
    [...values.subarray(row * columns, (row + 1) * columns)]
      .map(value => value.toFixed(3))
      .join(' '),
  )
}
