/**
 * Resolves when all have ended, one way or the other. To be waited for together with what comes later it
 * may go in again: it keeps no results, which would grow from time to time.
 */
export async function allEnded(...work: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(work)
}
