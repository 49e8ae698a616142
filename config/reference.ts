import { exampleYaml } from './example.ts'
import { CONFIG_SCHEMAS, type DaemonName } from './load-config.ts'
import {
  allowedText,
  isOfEntry,
  keyText,
  type SchemaNode,
  schemaTreeOf,
  settingsOf,
} from './schema-tree.ts'
import { variableName } from './text-layers.ts'

export const DAEMON_NAMES = Object.keys(CONFIG_SCHEMAS) as DaemonName[]

/** The files that are written from the schemas, by their path from the root of the project. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map([['docs/reference/config.md', configPage()]])
  for (const daemon of DAEMON_NAMES) {
    const example = exampleYaml(daemon, schemaTreeOf(CONFIG_SCHEMAS[daemon]))
    files.set(`config/${daemon}.example.yaml`, example)
    files.set(`config/schema/${daemon}.schema.json`, jsonSchemaText(daemon))
  }
  return files
}

/** JSON Schema for editors. The loader adds to it names, lines and what depends on other keys. */
export function jsonSchemaText(daemon: DaemonName): string {
  const schema = asLoaded(schemaTreeOf(CONFIG_SCHEMAS[daemon]))
  return `${JSON.stringify({ title: `GainNet ${daemon}`, ...schema }, null, 2)}\n`
}

/** The loader fills derived defaults, and takes a section that is there but has no keys. */
function asLoaded(node: SchemaNode): object {
  const { properties, required, items, oneOf, ...rest } = node
  const takesNothing = node.default !== undefined && node.type === 'object'
  const needed = required?.filter(key => !properties?.[key]?.derived)
  const entries = Object.entries(properties ?? {}).map(([key, child]) => [key, asLoaded(child)])
  return {
    ...rest,
    ...(takesNothing ? { type: ['object', 'null'] } : {}),
    ...(properties ? { properties: Object.fromEntries(entries) } : {}),
    ...(needed && needed.length > 0 ? { required: needed } : {}),
    ...(items ? { items: asLoaded(items) } : {}),
    ...(oneOf ? { oneOf: oneOf.map(asLoaded) } : {}),
  }
}

const HEAD = `# Configuration

<!-- Written from the schemas by "node --import tsx config/write-reference.ts"; a test holds it to them. -->

Both daemons read YAML. A value is taken from the last of these layers that sets it:

1. the default,
2. the file: \`--config FILE\`, else \`/etc/gainnet/agent.yaml\` or \`/etc/gainnet/controller.yaml\`
   where there is one,
3. drop-ins: \`agent.d/*.yaml\` beside \`agent.yaml\`, in the order of their names,
4. environment variables: \`GAINNET_AGENT__BROKER__URL\` for \`broker.url\` of the agent. Two underscores
   part the levels; case and single underscores within a level are free. A list is written as YAML:
   \`GAINNET_AGENT__SENSORS='[{kind: text-folder, id: notes, path: /srv/notes}]'\`,
5. flags: \`--set broker.url=mqtt://edge:1883\`, as often as needed.

Sections are joined key by key; a list replaces the whole list of the layers before. A key that is not
in the tables below is refused, with its line and the nearest name that there is, and so is a value
outside its limits; all problems are named at once. \`gainnet config check\` only looks;
\`gainnet config show --origin\` prints what holds and which layer has set it.

A relative path in a file is relative to that file's folder, in a variable or flag to the working
directory. \`passwordFile\` is taken from \`$CREDENTIALS_DIRECTORY\` where systemd sets it
(\`LoadCredential=\`). Secrets are shown as \`<redacted>\` everywhere and are not taken from flags, which
every user of a machine can read. Where password and passwordFile are both set, the later layer wins.

The schemas for editors are \`config/schema/agent.schema.json\` and \`controller.schema.json\`; complete
examples are \`config/agent.example.yaml\` and \`config/controller.example.yaml\`.
`

function configPage(): string {
  const sections = DAEMON_NAMES.map(daemon => {
    const settings = settingsOf(schemaTreeOf(CONFIG_SCHEMAS[daemon]))
    const rows = settings.map(({ path, node }) => settingRow(daemon, path, node))
    const title = `## ${daemon[0]?.toUpperCase()}${daemon.slice(1)}`
    const head =
      '| key | type | default | limits | meaning | environment |\n|---|---|---|---|---|---|'
    return `${title}\n\n${head}\n${rows.join('\n')}\n`
  })
  return [HEAD, ...sections].join('\n')
}

function settingRow(daemon: DaemonName, path: readonly string[], node: SchemaNode): string {
  const cells = [
    `\`${keyText(path)}\``,
    typeText(node),
    defaultText(node),
    allowedText(node),
    node.description ?? '',
    isOfEntry(path) ? 'with its list' : `\`${variableName(daemon, path)}\``,
  ]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function typeText(node: SchemaNode): string {
  if (node.secret) return 'secret text'
  if (node.path) return 'path'
  if (node.type === 'array') return 'list'
  return node.type === 'string' ? 'text' : (node.type ?? '')
}

function defaultText({ default: value, derived }: SchemaNode): string {
  if (derived) return derived
  return value === undefined ? 'none' : `\`${JSON.stringify(value).replace(/^"(.*)"$/, '$1')}\``
}
