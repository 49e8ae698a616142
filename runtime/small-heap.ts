import { setFlagsFromString } from 'node:v8'

/**
 * For a daemon on a board: V8 would let the space for new objects grow with what is loaded at the
 * start, and keep it, 15 to 20 MB (npm run bench -- agent-idle); and the heap grows in smaller steps,
 * 5 to 10 MB less at rest and no more of the processor. To be called before the heap has grown.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--optimize-for-size')
}
