import { GainnetError } from '../../runtime/errors.ts'
import { decodeMessage } from './message-decoder.ts'
import { encodeMessage } from './message-encoder.ts'
import { type ModelProto, modelTable } from './onnx-proto.ts'

/** Protobuf's own limit for one message. */
const MODEL_BYTES_MAX = 2 ** 31 - 1

/**
 * Reads an ONNX file. Byte fields (weights above all) are views of `bytes`, so these must not
 * change afterwards. Fails with MODEL_INVALID; see check-model.ts for what holds beyond the syntax.
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  if (bytes.byteLength > MODEL_BYTES_MAX) {
    throw new GainnetError('MODEL_INVALID', 'the model is larger than 2 GiB', {
      byteLength: bytes.byteLength,
    })
  }
  // The decoder fills exactly the fields that modelTable lists, and that table is typed by ModelProto.
  return decodeMessage(bytes, modelTable) as unknown as ModelProto
}

/** Writes an ONNX file. Equal models give equal bytes: fields stand in the order of their numbers. */
export function encodeModel(model: ModelProto): Uint8Array {
  return encodeMessage(model, modelTable)
}
