/** What two neighbours become, and how much sooner than others. */
export interface Merge {
  readonly token: number
  readonly score: number
}

export type FindMerge = (left: number, right: number) => Merge | undefined

interface Candidate extends Merge {
  readonly left: number
  readonly right: number
  /** Of the left one: of equal scores the first in the text is taken. */
  readonly place: number
}

/**
 * Byte-pair encoding (Sennrich et al. 2016): of all neighbours the pair with the highest score becomes
 * one token, until no two neighbours are a pair. A heap of candidates takes n · log n steps, where
 * looking through the text after each merge would take n².
 */
export function mergePairs(tokens: ArrayLike<number>, findMerge: FindMerge): Int32Array {
  const values = Int32Array.from(tokens)
  const count = values.length
  const next = Int32Array.from({ length: count }, (_, place) => place + 1)
  const previous = Int32Array.from({ length: count }, (_, place) => place - 1)
  const heap: Candidate[] = []
  const offer = (place: number) => {
    const [left = -1, right = -1] = [values[place], values[next[place] ?? count]]
    const merge = place < 0 || right < 0 ? undefined : findMerge(left, right)
    if (merge) push(heap, { left, right, place, ...merge })
  }
  for (let place = 0; place < count; place++) offer(place)
  for (let best = pop(heap); best; best = pop(heap)) {
    const { place } = best
    const second = next[place] ?? count
    // One of the two may have become part of another token since.
    if (values[place] !== best.left || values[second] !== best.right) continue
    values[place] = best.token
    values[second] = -1
    const third = next[second] ?? count
    next[place] = third
    if (third < count) previous[third] = place
    offer(place)
    offer(previous[place] ?? -1)
  }
  return values.filter(token => token >= 0)
}

function comesBefore(a: Candidate, b: Candidate): boolean {
  return a.score > b.score || (a.score === b.score && a.place < b.place)
}

function push(heap: Candidate[], added: Candidate): void {
  let hole = heap.length
  heap.push(added)
  while (hole > 0) {
    const above = (hole - 1) >> 1
    const parent = heap[above]
    if (!parent || !comesBefore(added, parent)) break
    heap[hole] = parent
    hole = above
  }
  heap[hole] = added
}

function pop(heap: Candidate[]): Candidate | undefined {
  const [first] = heap
  const moved = heap.pop()
  if (!moved || heap.length === 0) return first
  let hole = 0
  for (;;) {
    const below = 2 * hole + 1
    const [left, right] = [heap[below], heap[below + 1]]
    if (!left) break
    const isRight = right !== undefined && comesBefore(right, left)
    const child = isRight ? right : left
    if (!comesBefore(child, moved)) break
    heap[hole] = child
    hole = isRight ? below + 1 : below
  }
  heap[hole] = moved
  return first
}
