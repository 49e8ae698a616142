import { GainnetError } from './errors.ts'

/**
 * The promise's result, or DEADLINE_PASSED after the time. The work itself is not cancelled: give it
 * the same limit through its own signal where it has one.
 */
export async function withDeadline<T>(
  work: Promise<T>,
  { ms, what }: { readonly ms: number; readonly what: string },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new GainnetError('DEADLINE_PASSED', `${what} took longer than ${ms} ms`, { ms }))
    }, ms)
  })
  try {
    return await Promise.race([work, passed])
  } finally {
    clearTimeout(timer)
  }
}
