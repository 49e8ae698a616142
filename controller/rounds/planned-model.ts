import type { UpdateCompression } from '../../protocol/update-encoding/compression.ts'
import { encodedBytesMax } from '../../protocol/update-encoding/encodings.ts'
import type { Model } from '../models/model-library.ts'
import type { CurveFit } from '../orchestrate/curve/fit-curve.ts'
import type { PlannedModel } from './round-planner.ts'

/** What planning a round needs to know of a model. */
export function plannedModelOf(
  model: Model,
  curve: CurveFit | undefined,
  compression: UpdateCompression,
): PlannedModel {
  const bytes = model.parameterCount * Float32Array.BYTES_PER_ELEMENT
  return {
    modelId: model.modelId,
    version: model.current.version,
    value: model.config.value,
    downloadBytes: bytes + model.training.length,
    uploadBytes: encodedBytesMax(compression.encoding, model.parameterCount, compression),
    flopsPerSample: model.flopsPerSample,
    absorbedSamples: model.current.samplesAbsorbed,
    curve,
    takes: model.takes,
    sensorKinds: model.config.sensorKinds,
    targetSketch: model.targetSketch,
    devicesMax: model.config.devicesMax,
  }
}
