import type { Judgement, ModelObjective } from '../../protocol/model-manifest.ts'

/** What manifests and records say of a judgement: for text also in bits, which can be compared. */
export function judgedFields(
  objective: ModelObjective,
  judgement: Judgement | null | undefined,
): { readonly judgement?: Judgement; readonly bitsPerByte?: number } {
  if (!judgement) return {}
  if (objective !== 'next-byte') return { judgement }
  return { judgement, bitsPerByte: judgement.lossMean / Math.LN2 }
}
