import { GainnetError, messageOf } from '../../runtime/errors.ts'
import { loadOrt, type Ort } from './ort-session.ts'

/** The library of this processor, or the same as WebAssembly: about a tenth as fast, anywhere. */
export type OrtRuntime = 'native' | 'wasm'

export interface LoadedOrt {
  readonly ort: Ort
  readonly runtime: OrtRuntime
  /** Why it is not the native one, where nobody asked for the other. */
  readonly reason?: string
}

/** Which of them: `native`, `wasm`, or neither for the native one where it loads. */
export const ORT_VARIABLE = 'GAINNET_ORT'

/**
 * ONNX Runtime for a child process. Where the native library does not load (another C library, a
 * missing file), the package onnxruntime-web takes its place, if it is installed.
 */
export async function loadOrtRuntime(wanted: string | undefined): Promise<LoadedOrt> {
  if (wanted === 'wasm') return { ort: await loadWasm(), runtime: 'wasm' }
  try {
    return { ort: await loadOrt(), runtime: 'native' }
  } catch (error) {
    if (wanted === 'native') throw error
    const reason = messageOf(error)
    return { ort: await loadWasm(reason), runtime: 'wasm', reason }
  }
}

async function loadWasm(reason?: string): Promise<Ort> {
  try {
    const ort = await import('onnxruntime-web')
    // More threads are workers, which a run that blocks would wait for.
    ort.env.wasm.numThreads = 1
    return ort
  } catch (error) {
    throw new GainnetError(
      'TRAINING_FAILED',
      `ONNX Runtime cannot be loaded, ${reason ? `the native one for ${reason}, ` : ''}WebAssembly for ` +
        `${messageOf(error)}: npm install onnxruntime-web@1.27.0`,
      { reason },
      { cause: error },
    )
  }
}
