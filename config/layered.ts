/** Where a value comes from; the layers in the order in which a later one wins. */
export type Origin =
  | { readonly layer: 'default'; readonly note?: string }
  | { readonly layer: 'file'; readonly file: string; readonly line: number }
  | { readonly layer: 'drop-in'; readonly file: string; readonly line: number }
  | { readonly layer: 'environment'; readonly name: string }
  | { readonly layer: 'flag' }

const LAYERS: readonly Origin['layer'][] = ['default', 'file', 'drop-in', 'environment', 'flag']

export function isLater(one: Origin, other: Origin): boolean {
  return LAYERS.indexOf(one.layer) > LAYERS.indexOf(other.layer)
}

export function originText(origin: Origin): string {
  switch (origin.layer) {
    case 'default':
      return origin.note ? `default: ${origin.note}` : 'default'
    case 'file':
      return `${origin.file}:${origin.line}`
    case 'drop-in':
      return `drop-in ${origin.file}:${origin.line}`
    case 'environment':
      return `env ${origin.name}`
    case 'flag':
      return '--set'
  }
}

/** A value of which every part knows where it comes from. Keys are data: a Map has no prototype. */
export type Layered =
  | { readonly kind: 'map'; readonly origin: Origin; readonly entries: Map<string, Layered> }
  | { readonly kind: 'list'; readonly origin: Origin; readonly items: readonly Layered[] }
  | { readonly kind: 'scalar'; readonly origin: Origin; readonly value: unknown }

export function emptyMap(origin: Origin): Layered & { kind: 'map' } {
  return { kind: 'map', origin, entries: new Map() }
}

/** Sections are joined key by key; scalars and lists of the later layer replace. */
export function merge(earlier: Layered, later: Layered): Layered {
  if (earlier.kind !== 'map' || later.kind !== 'map') return later
  const entries = new Map(earlier.entries)
  for (const [key, value] of later.entries) {
    const before = entries.get(key)
    entries.set(key, before ? merge(before, value) : value)
  }
  return { kind: 'map', origin: later.origin, entries }
}

export function toPlain(node: Layered): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toPlain)
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, toPlain(value)]))
}

export function layeredAt(node: Layered, path: readonly PropertyKey[]): Layered | undefined {
  let here: Layered | undefined = node
  for (const part of path) {
    if (here?.kind === 'map') here = here.entries.get(String(part))
    else here = here?.kind === 'list' ? here.items[Number(part)] : undefined
  }
  return here
}

/** The same tree with one scalar set; sections on the way are made. */
export function withScalar(
  root: Layered,
  path: readonly string[],
  { value, origin }: { readonly value: unknown; readonly origin: Origin },
): Layered {
  const leaf: Layered = { kind: 'scalar', origin, value }
  const branch = path.reduceRight<Layered>(
    (child, key) => ({ kind: 'map', origin, entries: new Map([[key, child]]) }),
    leaf,
  )
  return merge(root, branch)
}

/** The same tree with every scalar passed through a function that sees its path. */
export function mapScalars(
  node: Layered,
  change: (scalar: Layered & { kind: 'scalar' }, path: readonly PropertyKey[]) => unknown,
  path: readonly PropertyKey[] = [],
): Layered {
  if (node.kind === 'scalar') return { ...node, value: change(node, path) }
  if (node.kind === 'list') {
    const items = node.items.map((item, index) => mapScalars(item, change, [...path, index]))
    return { ...node, items }
  }
  const entries = new Map(
    [...node.entries].map(([key, value]) => [key, mapScalars(value, change, [...path, key])]),
  )
  return { ...node, entries }
}
