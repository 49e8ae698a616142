import type { ForwardModel } from '../forward/forward-graph.ts'
import { dataElement } from '../forward/model-input.ts'
import type { LabelType } from '../loss/loss.ts'
import { ELEMENT } from '../onnx/element-type.ts'

/** Names of the data among a graph's inputs: a whole data set around a Scan, else one batch. */
export const DATASET = {
  samples: (input: string) => `data.samples.${input}`,
  labels: 'data.labels',
} as const

/** Which inputs of a graph take samples and labels, and of what kind. */
export function dataRoles(model: Pick<ForwardModel, 'inputs'>, labelType: LabelType | undefined) {
  return {
    samples: model.inputs.map(input => ({
      name: input.name,
      elementType: dataElement(input),
      sampleShape: [...input.sampleShape],
      input: DATASET.samples(input.name),
    })),
    ...(labelType
      ? { labels: { name: DATASET.labels, ...labelType, sampleShape: [...labelType.sampleShape] } }
      : {}),
  }
}

export function labelElement({ elementType }: Pick<LabelType, 'elementType'>) {
  return elementType === 'int32' ? ELEMENT.int32 : ELEMENT.float
}
