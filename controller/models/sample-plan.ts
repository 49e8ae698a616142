import type { ModelObjective } from '../../protocol/model-manifest.ts'
import { type RowForm, rowElements } from '../../protocol/row-form.ts'
import type { SampleSpec } from '../../protocol/sample-spec.ts'
import { GainnetError } from '../../runtime/errors.ts'
import type { ArtifactMetadata } from '../../training/forms/artifact-metadata.ts'
import { ELEMENT } from '../../training/onnx/element-type.ts'
import { elementCount } from '../../training/onnx/tensor.ts'

/** What the configuration says of a model's samples. */
export interface SampleChoice {
  readonly modelId: string
  readonly objective: ModelObjective
  readonly form: RowForm
  /** Rows that the model sees. */
  readonly inputRows: number
  readonly strideRows: number
  readonly rowsLast: boolean
}

/**
 * How samples are cut for a model under its loss, from what its training graph takes. Fails with
 * CONFIG_INVALID, and the two numbers, where model and rows do not fit.
 */
export function planSamples(
  choice: SampleChoice,
  { samples, labels }: Pick<ArtifactMetadata['inputs'], 'samples' | 'labels'>,
): SampleSpec {
  const { form, inputRows, strideRows, rowsLast } = choice
  const [input, ...others] = samples
  if (!input || others.length > 0) {
    const names = samples.map(({ name }) => name).join(', ')
    refuse(choice, `the model has the inputs ${names}: a sensor gives one`)
  }
  const width = rowElements(form)
  const [taken, given] = [elementCount(input.sampleShape), inputRows * width]
  if (taken !== given) {
    refuse(
      choice,
      `the model takes [${input.sampleShape}], ${taken} numbers; ${inputRows} rows of ` +
        `[${form.shape}] have ${given}`,
    )
  }
  const wanted = labelsOf(choice, labels, width)
  return {
    form,
    inputRows,
    strideRows,
    rowsLast,
    windowRows: windowRowsOf(choice, wanted),
    inputElement: input.elementType === ELEMENT.float ? 'float32' : 'int32',
    labels: wanted,
  }
}

/** What comes next lies behind the rows that the model sees; at each place, one row further. */
function windowRowsOf(
  { objective, inputRows }: SampleChoice,
  labels: SampleSpec['labels'],
): number {
  if (labels.kind !== 'rows') return inputRows
  return objective === 'next-byte' ? inputRows + 1 : inputRows + labels.rows
}

function labelsOf(
  choice: SampleChoice,
  labels: ArtifactMetadata['inputs']['labels'],
  width: number,
): SampleSpec['labels'] {
  const { objective } = choice
  if (objective === 'reconstruction') {
    if (labels) refuse(choice, 'reconstruction needs a loss without labels, as reconstruction is')
    return { kind: 'none' }
  }
  if (!labels) refuse(choice, `its loss takes no labels: for ${objective} choose one that does`)
  const count = elementCount(labels.sampleShape)
  if (objective === 'classes') {
    if (!labels.classes || count !== 1) {
      refuse(choice, `classes need one score a class, and a loss of classes`)
    }
    return { kind: 'class', classes: labels.classes.count }
  }
  if (objective === 'next-byte' && labels.classes?.count !== 256) {
    refuse(choice, 'next-byte needs a score for each of 256 bytes')
  }
  if (count % width !== 0) {
    refuse(choice, `the model predicts ${count} numbers, rows have ${width}`)
  }
  return { kind: 'rows', rows: count / width, element: labels.elementType }
}

function refuse({ modelId }: SampleChoice, why: string): never {
  throw new GainnetError('CONFIG_INVALID', `models.${modelId}: ${why}`, { modelId })
}
