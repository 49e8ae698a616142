import { execFileSync } from 'node:child_process'
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

/** A copy that a test may change; gone with the test unless the folder is the caller's. */
export function copiedBoard(name: BoardName, folder = temporaryDirectory()): RecordedRoots {
  copyTree(recordedBoard(name).filesRoot, folder)
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
  copyTree(join(roots.filesRoot, 'later'), roots.filesRoot)
  load.edge(1)
  return load.current()
}

/** By cp: Node's own takes twice as long for a hundred small files. */
function copyTree(from: string, to: string): void {
  execFileSync('cp', ['-r', `${from}/.`, to])
}
