import { setTimeout as wait } from 'node:timers/promises'

/**
 * Asks again and again until the condition holds, and returns what it answered. For what has no
 * event to wait for; fails with the reason after the time.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { ms = 10_000, what }: { readonly ms?: number; readonly what: string },
): Promise<Exclude<T, false | null | undefined>> {
  const endsAt = performance.now() + ms
  for (;;) {
    const answer = await condition()
    if (answer !== false && answer !== null && answer !== undefined) {
      // The three values were just ruled out; TypeScript does not carry that into Exclude.
      return answer as Exclude<T, false | null | undefined>
    }
    if (performance.now() > endsAt) throw new Error(`not within ${ms} ms: ${what}`)
    await wait(10)
  }
}
