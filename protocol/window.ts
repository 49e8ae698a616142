/**
 * Sends items in order with at most `size` un-acknowledged. Stops handing out at the first failure
 * or when `isWanted` turns false, waits for those in flight, then throws the first failure.
 */
export async function sendInWindow<Item>(
  items: readonly Item[],
  options: { readonly size: number; readonly isWanted?: () => boolean },
  send: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  let failure: unknown
  const lane = async (): Promise<void> => {
    while (next < items.length && failure === undefined && (options.isWanted?.() ?? true)) {
      // The loop has checked that there is one.
      const current = items[next++] as Item
      try {
        await send(current)
      } catch (error) {
        failure ??= error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.size, items.length) }, lane))
  if (failure !== undefined) throw failure
}
