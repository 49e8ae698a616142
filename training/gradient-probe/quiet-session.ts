import type { InferenceSession } from 'onnxruntime-node'
import type { Ort } from '../trainer/ort-session.ts'

/** Nothing but what ends the process: a refusal is expected here, and comes back as an error, too. */
const FATAL = 4

/** As openOrtSession, for graphs that ONNX Runtime may refuse without a word on standard error. */
export function openQuietSession(ort: Ort, model: Uint8Array): Promise<InferenceSession> {
  return ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'basic',
    logSeverityLevel: FATAL,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  })
}
