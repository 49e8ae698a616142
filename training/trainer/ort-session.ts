import type { InferenceSession } from 'onnxruntime-node'

/** What is used of it, which its builds have in common. */
export type Ort = Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>

/**
 * Loads the native ONNX Runtime with its telemetry off, which must be said before the library is loaded. Only a
 * child process calls this: a run blocks the thread that it is on, and a crash ends the process.
 */
export async function loadOrt(): Promise<Ort> {
  process.env.ORT_DISABLE_TELEMETRY = '1'
  return await import('onnxruntime-node')
}

/**
 * One thread that does not spin while it waits: spinning doubles the CPU time on a busy board. The
 * basic graph optimizations start fast; the others bring nothing measurable to training graphs. A
 * planned memory pattern takes its block beside what the first run had taken piece by piece: up to
 * 1.5 times the peak of a process that trains a CNN, and no time saved.
 */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'basic',
  enableMemPattern: false,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
}

export function openOrtSession(ort: Ort, model: Uint8Array): Promise<InferenceSession> {
  return ort.InferenceSession.create(model, SESSION_OPTIONS)
}

/** A float32 output of a run. */
export function floatOutput(
  outputs: Awaited<ReturnType<InferenceSession['run']>>,
  name: string,
): Float32Array {
  const values = outputs[name]?.data
  if (values instanceof Float32Array) return values
  throw new RangeError(`the run gives no float32 output ${name}`)
}
