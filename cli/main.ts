#!/usr/bin/env node
import { errnoOf } from '../runtime/errors.ts'
import { exitCodeOf, failureText } from './failure.ts'
import { buildProgram } from './program.ts'

let isEnding = false

process.on('uncaughtException', error => {
  process.stderr.write(failureText(error))
  process.exit(exitCodeOf(error))
})
for (const stream of [process.stdout, process.stderr]) stream.on('error', endWhenReaderIsGone)

try {
  await buildProgram().parseAsync()
} catch (error) {
  process.stderr.write(failureText(error))
  process.exitCode = exitCodeOf(error)
}

/** Nobody reads our output any more (gainnet … | head): end without a word, but end our parts. */
function endWhenReaderIsGone(error: Error): void {
  if (errnoOf(error) !== 'EPIPE') throw error
  if (isEnding) return
  isEnding = true
  if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM')
  else process.exit(0)
}
