import { z } from 'zod'
import type { Loss } from './loss.ts'
import { softmaxCrossEntropy } from './softmax-cross-entropy.ts'

const losses = {
  'softmax-cross-entropy': softmaxCrossEntropy,
} satisfies Record<string, Loss>

export type LossKind = keyof typeof losses

export const lossKindSchema = z.enum(Object.keys(losses) as [LossKind, ...LossKind[]])

export function findLoss(kind: LossKind): Loss {
  return losses[kind]
}
