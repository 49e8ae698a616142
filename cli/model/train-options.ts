import type { LossKind } from '../../training/loss/registry.ts'
import type { OptimizerSettings } from '../../training/optimizer/registry.ts'
import type { DataOptions } from './read-data.ts'
import type { PartOptions } from './training-plan.ts'

interface ScalingOptions {
  readonly scale?: number
  readonly standardize?: boolean
}

export interface TrainOptions extends DataOptions, PartOptions, ScalingOptions {
  readonly loss: LossKind
  readonly optimizer: OptimizerSettings['kind']
  readonly batch: number
  readonly epochs: number
  readonly steps?: number
  readonly learningRate: number
  readonly clip?: number
  readonly validation: number
  readonly seed: number
  readonly out: string
  readonly log?: string
  readonly checkpoint?: string
  readonly json?: boolean
}
