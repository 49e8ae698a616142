import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { SlotLoad, type SlotLoadOptions } from '../../agent/urp/slot-load.ts'
import { temporaryDirectory } from './directories.ts'
import { ROOT } from './root.ts'

export const BOARDS = [
  'raspberry-pi-4',
  'raspberry-pi-5',
  'jetson-orin',
  'jetson-xavier',
  'x64-server',
  'container',
] as const
export type BoardName = (typeof BOARDS)[number]

export interface RecordedRoots {
  readonly procRoot: string
  readonly sysRoot: string
  readonly filesRoot: string
}

/** The tree of a board, as it was at one moment. */
export function recordedBoard(name: BoardName | 'no-such-board'): RecordedRoots {
  return rootsIn(join(ROOT, 'test', 'fixtures', 'boards', name))
}

function rootsIn(folder: string): RecordedRoots {
  return { procRoot: join(folder, 'proc'), sysRoot: join(folder, 'sys'), filesRoot: folder }
}

/** A copy that a test may change. */
export function copiedBoard(name: BoardName): RecordedRoots {
  const folder = temporaryDirectory()
  cpSync(recordedBoard(name).filesRoot, folder, { recursive: true })
  return rootsIn(folder)
}

/** The second between the tree and what its folder `later` says, as the first of two slots. */
export function recordedSlot(
  name: BoardName,
  options: Pick<SlotLoadOptions, 'units' | 'computingShareMax'>,
) {
  const SLOT_MS = 1000
  const roots = copiedBoard(name)
  let nowMs = 0
  const clock = {
    now: () => nowMs,
    at: () => {
      throw new Error('slot load sets no timer')
    },
  }
  const load = new SlotLoad({ ...roots, ...options, slots: 2, slotMs: SLOT_MS, clock })
  load.edge(0)
  nowMs += SLOT_MS
  cpSync(join(roots.filesRoot, 'later'), roots.filesRoot, { recursive: true })
  load.edge(1)
  return load.current()
}
