import type { SpectrumPlan } from './spectrum-plan.ts'
import type { SpectrumRound } from './spectrum-rounds.ts'

/** To the thread; of a piece, only that many bytes count. */
export type SpectrumRequest =
  | { readonly is: 'bytes'; readonly piece: Uint8Array<ArrayBuffer>; readonly bytes: number }
  | { readonly is: 'gap'; readonly bytes: number }
  | { readonly is: 'end' }

/** From the thread; a piece comes back to be filled anew, so that a long stream leaves no garbage. */
export type SpectrumAnswer =
  | { readonly is: 'taken'; readonly piece: Uint8Array<ArrayBuffer> }
  | { readonly is: 'round'; readonly round: SpectrumRound }

/** What the thread is started with. */
export type SpectrumStart = SpectrumPlan
