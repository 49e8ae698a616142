export interface TrainerExit {
  readonly code: number | null
  readonly signal: string | null
}

/** What a signal that ends a trainer mostly means. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGABRT: ' (ONNX Runtime or Node.js gave up: see stderr)',
  SIGBUS: ' (it crashed in native code)',
  SIGILL: ' (ONNX Runtime has an instruction that this processor lacks: set GAINNET_ORT=wasm)',
  SIGKILL: ' (by the kernel for want of memory, or by another process)',
  SIGSEGV: ' (it crashed in native code)',
}

export function endWords({ code, signal }: TrainerExit): string {
  if (signal) return `was ended by ${signal}${SIGNAL_WORDS[signal] ?? ''}`
  return `ended with exit code ${code}`
}

/**
 * Whether native code ended it, which WebAssembly in its place does not. Not SIGABRT: Node.js ends so
 * for want of heap, too.
 */
export function isCrash({ signal }: TrainerExit): boolean {
  return signal === 'SIGILL' || signal === 'SIGSEGV' || signal === 'SIGBUS'
}
