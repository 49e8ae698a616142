import { type ChildProcess, fork } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { childModule } from '../../runtime/child-module.ts'
import { ORT_VARIABLE, type OrtRuntime } from './ort-runtime.ts'

export interface ForkOptions {
  /** 0 to 19: how far the child stands back behind other processes. */
  readonly niceness?: number
  /** Of the child's JavaScript heap; tensors of ONNX Runtime come on top. */
  readonly heapMegabytesMax?: number
  /** Cores that the child may use, where `taskset` is installed. */
  readonly cpus?: readonly number[]
}

/** Starts trainer-child.ts. */
export function forkTrainer(
  { niceness = 0, heapMegabytesMax, cpus = [] }: ForkOptions,
  runtime?: OrtRuntime,
): { readonly child: ChildProcess; readonly isPinned: boolean } {
  const { path, execArgv } = childModule(import.meta.url, 'trainer-child')
  const isPinned = cpus.length > 0 && isInstalled('taskset')
  const nodeArguments = [
    ...(heapMegabytesMax ? [`--max-old-space-size=${heapMegabytesMax}`] : []),
    ...execArgv,
  ]
  const child = fork(path, [String(niceness)], {
    ...(isPinned ? { execPath: 'taskset' } : {}),
    execArgv: isPinned
      ? ['--cpu-list', cpus.join(','), process.execPath, ...nodeArguments]
      : nodeArguments,
    env: {
      ...process.env,
      ORT_DISABLE_TELEMETRY: '1',
      ...(runtime ? { [ORT_VARIABLE]: runtime } : {}),
    },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  return { child, isPinned }
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(directory => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
