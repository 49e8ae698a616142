import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import type { Layered, Origin } from './layered.ts'
import { type Problem, unknownKeyText } from './problems.ts'
import { ownProperty, propertiesOf, type SchemaNode, schemaAt } from './schema-tree.ts'

export interface YamlContext {
  readonly root: SchemaNode
  /** The place of the text in the configuration: [] for a file, the key for a variable. */
  readonly path: readonly PropertyKey[]
  readonly originAt: (line: number) => Origin
  readonly problems: Problem[]
  readonly syntaxCode: Problem['code']
}

/** The parser's own messages may quote the text, and with it a password; these do not. */
const SYNTAX: Partial<Record<YAMLError['code'], string>> = {
  BAD_INDENT: 'the indentation does not fit the lines before, or a bracket is not closed',
  BLOCK_AS_IMPLICIT_KEY: 'a second colon or a deeper line where only a value may be; use quotes',
  DUPLICATE_KEY: 'this key was set before in the same section; keep one of them',
  MISSING_CHAR: 'a closing quote, a bracket, a comma or a colon is missing',
  MULTILINE_IMPLICIT_KEY: 'a key without a colon, or a value that runs on over two lines',
  MULTIPLE_DOCS: 'a second document (---); a file holds one',
  NON_STRING_KEY: 'a key that is not a word',
  TAB_AS_INDENT: 'a tab in the indentation; YAML wants spaces',
  TAG_RESOLVE_FAILED: 'a tag (!name) that is not known here; for secrets there is passwordFile',
}

/** Undefined where the text has no content, or none that could be made out. */
export function readYaml(text: string, context: YamlContext): Layered | undefined {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
  })
  const originOf = (offset: number): Origin => context.originAt(lines.linePos(offset).line)
  const faults = [...document.errors, ...document.warnings]
  for (const { code, pos } of faults) {
    const sentence = SYNTAX[code] ?? `this is not valid YAML (${code})`
    const kind = code === 'DUPLICATE_KEY' ? 'CONFIG_INVALID' : context.syntaxCode
    context.problems.push({ code: kind, origin: originOf(pos[0]), text: sentence })
  }
  if (faults.some(({ code }) => code !== 'DUPLICATE_KEY') || isNothing(document.contents))
    return undefined
  return new Walk(context, originOf).layered(document.contents, context.path)
}

/** Turns the nodes of a document into layered values; reports what no schema knows. */
class Walk {
  readonly #context: YamlContext
  readonly #originOf: (offset: number) => Origin

  constructor(context: YamlContext, originOf: (offset: number) => Origin) {
    this.#context = context
    this.#originOf = originOf
  }

  layered(
    node: ParsedNode,
    path: readonly PropertyKey[],
    schema = schemaAt(this.#context.root, path, undefined),
  ): Layered {
    const origin = this.#originOf(node.range[0])
    if (isMap(node)) return { kind: 'map', origin, entries: this.#entries(node, path, schema) }
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.layered(item, [...path, index], schema?.items),
      )
      return { kind: 'list', origin, items }
    }
    // An alias in a list; #entries has refused the others.
    return { kind: 'scalar', origin, value: isAlias(node) ? null : node.value }
  }

  #entries(
    section: YAMLMap.Parsed,
    path: readonly PropertyKey[],
    schema: SchemaNode | undefined,
  ): Map<string, Layered> {
    const entries = new Map<string, Layered>()
    const known = schema && propertiesOf(schema, section.get('kind'))
    for (const { key, value } of section.items) {
      if (!isScalar(key)) continue
      const name = String(key.value)
      const origin = this.#originOf(key.range[0])
      const child = known && ownProperty(known, name)
      const refusal = known && !child ? this.#unknownKey(name, path, known) : aliasText(value)
      if (refusal) this.#context.problems.push({ code: 'CONFIG_INVALID', origin, text: refusal })
      else if (value && !(isNothing(value) && takesKeys(child))) {
        entries.set(name, { ...this.layered(value, [...path, name], child), origin })
      }
    }
    return entries
  }

  #unknownKey(
    name: string,
    path: readonly PropertyKey[],
    known: Readonly<Record<string, SchemaNode>>,
  ): string {
    return unknownKeyText(name, path, { known: Object.keys(known), root: this.#context.root })
  }
}

function aliasText(value: ParsedNode | null): string | undefined {
  if (!isAlias(value)) return undefined
  return 'an alias (*name) is not supported here; write the value out'
}

function isNothing(value: ParsedNode | null): value is null {
  return value === null || (isScalar(value) && value.value === null)
}

/** `broker:` with all of its keys commented out is a section without keys, not a wrong value. */
function takesKeys(schema: SchemaNode | undefined): boolean {
  return schema?.type === 'object' || schema?.type === 'array'
}
