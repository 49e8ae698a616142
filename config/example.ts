import { stringify } from 'yaml'
import type { DaemonName } from './load-config.ts'
import { allowedText, type SchemaNode } from './schema-tree.ts'
import { variableName } from './text-layers.ts'

/**
 * The example file of a daemon, in the style of telegraf: every key is there, `##` explains, and a
 * default stands behind a single `#`, so that removing it changes nothing until the value is edited.
 */
export function exampleYaml(daemon: DaemonName, root: SchemaNode): string {
  return [
    `# yaml-language-server: $schema=./schema/${daemon}.schema.json`,
    '##',
    `## Configuration of the GainNet ${daemon}. Every key is here. Lines with a single # show defaults:`,
    '## remove the # and edit the value. Over this file come, the later the stronger:',
    `##   files in ${daemon}.d/*.yaml beside it, in the order of their names,`,
    `##   environment variables, e.g. ${variableName(daemon, ['log', 'level'])}=debug,`,
    '##   flags, e.g. --set log.level=debug.',
    `## "gainnet config show ${daemon} --config FILE --origin" tells what holds and why.`,
    ...Object.entries(root.properties ?? {}).flatMap(([key, node]) => [
      // No empty line: a formatter takes it away after a section without keys.
      '##',
      ...keyLines(key, node, isRequired(root, key)),
    ]),
    '',
  ].join('\n')
}

/** Keys without which the file is refused; those with a derived default can be left out. */
function isRequired(section: SchemaNode, key: string): boolean {
  return section.required?.includes(key) === true && !section.properties?.[key]?.derived
}

function keyLines(key: string, node: SchemaNode, required: boolean): string[] {
  if (node.type === 'object' && node.properties) {
    return [`## ${node.description}`, `${key}:`, ...indented(sectionLines(node))]
  }
  const words = [`## ${node.description}`, ...limitLines(node)]
  if (node.type === 'array' && (node.items?.properties || node.items?.oneOf)) {
    return [...words, ...listLines(key, node, required)]
  }
  if (node.default !== undefined) return [...words, `# ${key}: ${yamlText(node.default)}`]
  const example = `${key}: ${yamlText(node.const ?? node.examples?.[0])}`
  if (required) return [...words, example]
  return [...words, `## ${defaultText(node)} For example:`, `##   ${example}`]
}

function sectionLines(section: SchemaNode): string[] {
  return Object.entries(section.properties ?? {}).flatMap(([key, node], index) => [
    ...(index > 0 ? [''] : []),
    ...keyLines(key, node, isRequired(section, key)),
  ])
}

function defaultText({ derived }: SchemaNode): string {
  return derived ? `By default ${derived}.` : 'Not set by default.'
}

function limitLines(node: SchemaNode): string[] {
  const allowed = allowedText(node)
  return allowed === 'text' ? [] : [`## Allowed: ${allowed}.`]
}

/** A list that must not be empty shows a real entry; any other an entry in the explanation. */
function listLines(key: string, { items = {}, default: none }: SchemaNode, required: boolean) {
  const kinds = items.oneOf ?? [items]
  const entries = kinds.flatMap(kind => entryLines(sectionLines(kind)))
  if (required) return [`${key}:`, ...indented(entries)]
  return [
    `# ${key}: ${yamlText(none)}`,
    '## An entry, for example:',
    ...[`${key}:`, ...indented(entries)].map(line => `##   ${line}`.trimEnd()),
  ]
}

/** The dash stands before the first key that is not commented out; comments above keep its place. */
function entryLines(lines: readonly string[]): string[] {
  const first = lines.findIndex(line => line !== '' && !line.startsWith('#'))
  return [...lines.slice(0, first), `- ${lines[first]}`, ...indented(lines.slice(first + 1))]
}

function indented(lines: readonly string[]): string[] {
  return lines.map(line => `  ${line}`.trimEnd())
}

function yamlText(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false }).trim()
}
