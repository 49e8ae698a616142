import { z } from 'zod'
import type { FieldMeta } from './fields.ts'

/**
 * A schema as JSON Schema 2020-12, of which this is the part that our schemas use. Keys, types,
 * limits, messages, examples and the reference page are all read from it.
 */
export interface SchemaNode extends Partial<FieldMeta> {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly oneOf?: readonly SchemaNode[]
  readonly enum?: readonly string[]
  readonly const?: string
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

export function schemaTreeOf(schema: z.ZodType): SchemaNode {
  // JSON Schema of our own schemas: SchemaNode names the part of it that they use.
  return z.toJSONSchema(schema, { io: 'input' }) as SchemaNode
}

/** The keys of a section; of a list entry of several kinds, those of its kind if there is such. */
export function propertiesOf(
  node: SchemaNode,
  kind?: unknown,
): Readonly<Record<string, SchemaNode>> | undefined {
  if (!node.oneOf) return node.properties
  const isOfKind = ({ properties }: SchemaNode): boolean =>
    properties?.kind?.const === (kind ?? properties?.kind?.default)
  return node.oneOf.find(isOfKind)?.properties
}

/** The schema of what lies at a path of a value; undefined where the schema knows no such place. */
export function schemaAt(
  root: SchemaNode,
  path: readonly PropertyKey[],
  value: unknown,
): SchemaNode | undefined {
  let node: SchemaNode | undefined = root
  let here = value
  for (const part of path) {
    node = typeof part === 'number' ? node?.items : node && keyOf(node, String(part), here)
    here = valueAt(here, [part])
  }
  return node
}

function keyOf(node: SchemaNode, key: string, section: unknown): SchemaNode | undefined {
  const properties = propertiesOf(node, valueAt(section, ['kind']))
  if (properties) return ownProperty(properties, key)
  // Of an entry of an unknown kind nothing is known but which kinds there are.
  const kinds = node.oneOf?.flatMap(option => option.properties?.kind?.const ?? [])
  return kinds && key === 'kind' ? { type: 'string', enum: kinds } : undefined
}

/** A key that is called constructor is unknown, and not the constructor of objects. */
export function ownProperty<T>(properties: Readonly<Record<string, T>>, key: string) {
  return Object.hasOwn(properties, key) ? properties[key] : undefined
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined
    here = Reflect.get(here, part)
  }
  return here
}

/** What a value may be, as the end of "it must be …". */
export function allowedText(node: SchemaNode): string {
  if (node.allowed) return node.allowed
  if (node.const !== undefined) return node.const
  if (node.enum) return node.enum.length > 1 ? `one of ${node.enum.join(', ')}` : node.enum.join()
  switch (node.type) {
    case 'integer':
      return `a whole number${rangeText(node)}`
    case 'number':
      return `a number${rangeText(node)}`
    case 'array':
      return listText(node)
    case 'boolean':
      return 'true or false'
    case 'string':
      return 'text'
    default:
      return 'a section with keys'
  }
}

function rangeText({ minimum, exclusiveMinimum, maximum }: SchemaNode): string {
  const above = exclusiveMinimum === undefined ? '' : ` above ${exclusiveMinimum}`
  const from = minimum === undefined ? '' : ` from ${minimum}`
  const to = maximum === undefined ? '' : `${above ? ' and up' : ''} to ${maximum}`
  return `${above}${from}${to}`
}

function listText({ minItems, maxItems, items }: SchemaNode): string {
  const entries = items?.type === 'integer' ? `, each ${allowedText(items)}` : ''
  if (minItems === undefined) return `a list of at most ${maxItems} entries${entries}`
  return `a list of ${minItems} to ${maxItems} entries${entries}`
}

/** One key of the configuration, as the reference page and the names of variables need it. */
export interface Setting {
  readonly path: readonly string[]
  readonly node: SchemaNode
}

/**
 * Every key that holds a value, in the order of the schema; `[]` stands for a list entry, `[camera]`
 * for one of that kind.
 */
export function settingsOf(node: SchemaNode, path: readonly string[] = []): Setting[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const place = [...path, key]
    if (child.properties) return settingsOf(child, place)
    const kinds = child.items?.oneOf ?? []
    const entryKeys =
      kinds.length > 1
        ? kinds.flatMap(kind => settingsOf(kind, [...place, `[${kind.properties?.kind?.const}]`]))
        : settingsOf(kinds[0] ?? child.items ?? {}, [...place, '[]'])
    return [{ path: place, node: child }, ...entryKeys]
  })
}

/** Whether a key is one of the entries of a list. */
export function isOfEntry(path: readonly string[]): boolean {
  return path.some(part => part.startsWith('['))
}

/** Names of keys as people write them: models[0].seed. */
export function keyText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number'
        ? `${text}[${part}]`
        : String(part).startsWith('[')
          ? `${text}${String(part)}`
          : `${text}${text && '.'}${String(part)}`,
    '',
  )
}
