import { Document, isNode, isScalar, visit } from 'yaml'
import { layeredAt, type Origin, originText } from './layered.ts'
import type { LoadedConfig } from './load-config.ts'
import { keyText, schemaAt } from './schema-tree.ts'

const REDACTED = '<redacted>'
/** Stands between a value and its origin until both columns are known; no YAML text holds it. */
const GAP = '\u0001'

/** The effective configuration as YAML, secrets redacted; with `origin`, a comment a value. */
export function configAsYaml(
  loaded: LoadedConfig<unknown>,
  { origin }: { readonly origin: boolean },
): string {
  const document = new Document(redacted(loaded))
  visit(document, {
    Seq(_, list) {
      // A list of plain values is one value with one origin: it stays on one line.
      if (list.items.every(isScalar)) list.flow = true
    },
  })
  if (origin) commentOrigins(document, loaded)
  const text = document.toString({ lineWidth: 0, blockQuote: false, flowCollectionPadding: false })
  return aligned(text)
}

/** The same as plain values: `{ config }`, with `origin` also where each value comes from. */
export function configAsJson(
  loaded: LoadedConfig<unknown>,
  { origin }: { readonly origin: boolean },
): unknown {
  const config = redacted(loaded)
  if (!origin) return { config }
  const origins = leavesOf(config).map(path => [keyText(path), originText(originAt(loaded, path))])
  return { config, origins: Object.fromEntries(origins) }
}

function redacted({ config, schema }: LoadedConfig<unknown>): unknown {
  const copy = (value: unknown, path: readonly PropertyKey[]): unknown => {
    if (schemaAt(schema, path, config)?.secret) return value === undefined ? value : REDACTED
    if (Array.isArray(value)) return value.map((entry, index) => copy(entry, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, copy(entry, [...path, key])]),
    )
  }
  return copy(config, [])
}

/** Paths of all values; a list of plain values counts as one. */
function leavesOf(value: unknown, path: readonly PropertyKey[] = []): (readonly PropertyKey[])[] {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null) return [path]
  if (!Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, entry]) => leavesOf(entry, [...path, key]))
  }
  const hasSections = value.some(entry => typeof entry === 'object')
  if (!hasSections) return [path]
  return value.flatMap((entry, index) => leavesOf(entry, [...path, index]))
}

function originAt({ layered }: LoadedConfig<unknown>, path: readonly PropertyKey[]): Origin {
  return layeredAt(layered, path)?.origin ?? { layer: 'default' }
}

function commentOrigins(document: Document, loaded: LoadedConfig<unknown>): void {
  for (const path of leavesOf(document.toJS())) {
    const node = document.getIn(path, true)
    if (isNode(node)) node.comment = `${GAP} from ${originText(originAt(loaded, path))}`
  }
}

function aligned(text: string): string {
  const lines = text.split('\n').map(line => line.split(` #${GAP}`))
  const width = Math.max(
    ...lines.filter(parts => parts.length > 1).map(([value = '']) => value.length),
  )
  return lines
    .map(([value = '', comment]) => (comment ? `${value.padEnd(width)}   #${comment}` : value))
    .join('\n')
}
