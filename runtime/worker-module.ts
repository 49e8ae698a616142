import { Worker, type WorkerOptions } from 'node:worker_threads'
import { childModule } from './child-module.ts'

/**
 * A thread whose body is a module beside the calling one, compiled or source as with childModule.
 * Threads do not take tsx from their arguments, so that for a source it is registered first.
 */
export function startWorker(
  callerUrl: string,
  name: string,
  options: Pick<WorkerOptions, 'workerData' | 'resourceLimits'>,
): Worker {
  const { path, execArgv } = childModule(callerUrl, name)
  if (execArgv.length === 0) return new Worker(path, options)
  const [tsx, module] = [import.meta.resolve('tsx/esm/api'), path].map(each => JSON.stringify(each))
  const body = `import(${tsx}).then(({ register }) => { register(); return import(${module}) })`
  return new Worker(body, { ...options, execArgv: [], eval: true })
}
