import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { observeModel, runOnInputs } from '../gradient-probe/observe-model.ts'
import { decodeModel } from '../onnx/onnx-codec.ts'
import { loadOrt } from '../trainer/ort-session.ts'
import { distance } from './compare-models.ts'

export type OutputComparison =
  | {
      readonly ran: true
      readonly outputs: readonly {
        readonly name: string
        readonly largest: number
        readonly relative: number
      }[]
    }
  | { readonly ran: false; readonly reason: string }

/** Runs both models on the same random inputs. Loads ONNX Runtime into this process. */
export async function compareOutputs(
  before: Uint8Array,
  after: Uint8Array,
  seed: number,
): Promise<OutputComparison> {
  try {
    const ort = await loadOrt()
    const model = decodeModel(before)
    if (!model.graph) throw new GainnetError('MODEL_INVALID', 'the model has no graph')
    const whole = { ...model, graph: model.graph }
    const { inputs, outputs } = await observeModel(ort, whole, { seed, amplitude: 1 })
    const others = await runOnInputs(ort, decodeModel(after), inputs)
    return {
      ran: true,
      outputs: outputs.flatMap(({ name, values }) => {
        const other = others.find(output => output.name === name)
        if (!other || other.values.length !== values.length) return []
        return [{ name, ...distance(values, other.values) }]
      }),
    }
  } catch (error) {
    return { ran: false, reason: messageOf(error).split('\n')[0] ?? '' }
  }
}
