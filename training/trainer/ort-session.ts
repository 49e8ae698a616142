import type { InferenceSession, Tensor } from 'onnxruntime-node'

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
 * Threads that do not spin while they wait, one where nobody asks for more: spinning doubles the CPU
 * time on a busy board. The extended graph optimizations make transposes and factors a part of the
 * products that take them; those of layout bring training graphs nothing. A planned memory pattern
 * takes its block beside what the first run had taken piece by piece: up to 1.5 times the peak of a
 * process that trains a CNN.
 */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'extended',
  enableMemPattern: false,
  logSeverityLevel: 3,
  extra: {
    session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } },
    // Of float64 it makes an operator for which there is no kernel.
    optimization: { disable_specified_optimizers: 'QuickGeluFusion' },
  },
}

/** More threads than one only where the caller was granted more than one core. */
export function openOrtSession(
  ort: Ort,
  model: Uint8Array,
  { threads = 1 }: { readonly threads?: number | undefined } = {},
): Promise<InferenceSession> {
  return ort.InferenceSession.create(model, { ...SESSION_OPTIONS, intraOpNumThreads: threads })
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

/** Nobody listens on it: what is sent with the right to its memory is dropped, memory and all. */
const nowhere = new MessageChannel().port1
nowhere.close()

/**
 * Gives back the memory of tensors of which nobody holds a view. Each run gives new parameters and
 * optimizer state; left to the garbage collector, those of the runs before wait for a collection that
 * their size alone sets off, again and again, and that walks through the whole heap.
 */
export function freeTensors(tensors: Iterable<Tensor>): void {
  const buffers = Array.from(tensors, ({ data }) =>
    'buffer' in data && data.buffer instanceof ArrayBuffer ? [data.buffer] : [],
  )
  nowhere.postMessage(null, buffers.flat())
}
