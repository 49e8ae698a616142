import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// The scripts of this folder run before anything is installed: Node's own modules only.

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** One line of progress, on standard error: results own standard output. */
export function say(text) {
  process.stderr.write(`${text}\n`)
}

/** Runs a program in the root to its end; its exit code, or 128 + n where signal n ended it. */
export function run(program, args, options = {}) {
  const { status, signal, error } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  })
  if (error) {
    say(`${program}: ${error.message}`)
    return 127
  }
  if (signal) {
    say(`${program} was ended by ${signal}`)
    return signal === 'SIGINT' ? 130 : 143
  }
  return status ?? 1
}

/** As `run`, but a failure ends the script with its exit code. */
export function mustRun(program, args, options) {
  const code = run(program, args, options)
  if (code !== 0) process.exit(code)
}

/** A program of an installed package. */
export function binary(name) {
  return fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))
}
