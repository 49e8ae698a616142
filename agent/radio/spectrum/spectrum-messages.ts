import type { SpectrumPlan } from './spectrum-plan.ts'
import type { SpectrumRound } from './spectrum-rounds.ts'

/** To the thread. */
export type SpectrumRequest =
  | { readonly is: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly is: 'gap'; readonly bytes: number }
  | { readonly is: 'end' }

/** From the thread; `taken` are bytes that it has done with. */
export type SpectrumAnswer =
  | { readonly is: 'taken'; readonly bytes: number }
  | { readonly is: 'round'; readonly round: SpectrumRound }

/** What the thread is started with. */
export type SpectrumStart = SpectrumPlan
