import { emptyMap, type Layered, merge, type Origin } from './layered.ts'
import { nearestName } from './nearest-name.ts'
import { type Problem, unknownKeyText } from './problems.ts'
import { readYaml } from './read-yaml.ts'
import { isOfEntry, keyText, type SchemaNode, type Setting, settingsOf } from './schema-tree.ts'

/** One `--set key=value`. */
export interface FlagSetting {
  readonly key: string
  readonly value: string
}

interface TextContext {
  readonly daemon: string
  readonly root: SchemaNode
  readonly problems: Problem[]
}

/** GAINNET_AGENT__BROKER__KEEPALIVE_SECONDS for broker.keepaliveSeconds. */
export function variableName(daemon: string, path: readonly string[]): string {
  const words = path.map(key => key.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase())
  return ['GAINNET', daemon.toUpperCase()].join('_') + words.map(word => `__${word}`).join('')
}

/** Keys that a variable or flag can set: those in a list are set with the list as a whole. */
function settable(root: SchemaNode): Setting[] {
  return settingsOf(root).filter(({ path }) => !isOfEntry(path))
}

export function environmentLayer(
  environment: Readonly<Record<string, string | undefined>>,
  context: TextContext,
): Layered {
  const prefix = `${variableName(context.daemon, [])}_`
  const settings = settable(context.root)
  const seen = new Map<Setting, string>()
  let layer: Layered = emptyMap({ layer: 'default' })
  for (const name of Object.keys(environment).sort()) {
    const value = environment[name]
    if (!name.startsWith(prefix) || value === undefined) continue
    const origin: Origin = { layer: 'environment', name }
    const setting = settingNamed(name.slice(prefix.length), settings)
    const before = setting && seen.get(setting)
    if (!setting || before) {
      const text = before
        ? `sets the same key as ${before}; keep one of them`
        : unknownVariableText(name, prefix, context)
      context.problems.push({ code: 'CONFIG_INVALID', origin, text })
      continue
    }
    seen.set(setting, name)
    layer = merge(layer, parsedBranch(value, setting, { origin, ...context }))
  }
  return layer
}

/** Case and single underscores are free: KEEPALIVE_SECONDS, KEEPALIVESECONDS, keepaliveSeconds. */
function settingNamed(rest: string, settings: readonly Setting[]): Setting | undefined {
  if (!rest.startsWith('_')) return undefined
  const wanted = rest.slice(1).split('__').map(bare).join('.')
  return settings.find(({ path }) => path.map(bare).join('.') === wanted)
}

function bare(text: string): string {
  return text.replaceAll('_', '').toLowerCase()
}

function unknownVariableText(name: string, prefix: string, { daemon, root }: TextContext): string {
  const rest = bare(name.slice(prefix.length))
  const settings = settable(root)
  const list = settings.find(
    ({ path, node }) => node.type === 'array' && rest.startsWith(bare(path.join(''))),
  )
  if (list) return `a list is set as a whole: ${variableName(daemon, list.path)}='[…]'`
  const names = new Map(settings.map(({ path }) => [bare(path.join('')), path]))
  const near = names.get(nearestName(rest, names.keys()) ?? '')
  const hint = near ? `did you mean ${variableName(daemon, near)}?` : 'see docs/reference/config.md'
  return `unknown variable; ${hint}`
}

export function flagLayer(flags: readonly FlagSetting[], context: TextContext): Layered {
  const settings = settable(context.root)
  const origin: Origin = { layer: 'flag' }
  let layer: Layered = emptyMap({ layer: 'default' })
  for (const { key, value } of flags) {
    const setting = settings.find(({ path }) => keyText(path) === key)
    if (setting && !setting.node.secret) {
      layer = merge(layer, parsedBranch(value, setting, { origin, ...context }))
      continue
    }
    const text = setting ? secretFlagText(setting, context) : unknownFlagText(key, context)
    context.problems.push({ code: 'CONFIG_INVALID', origin, key, text })
  }
  return layer
}

function secretFlagText({ path }: Setting, { daemon }: TextContext): string {
  const variable = variableName(daemon, path)
  return `${keyText(path)} is a secret, and every user of this machine can read a command line; use ${keyText(path)}File or ${variable}`
}

function unknownFlagText(key: string, { root }: TextContext): string {
  const known = settable(root).map(({ path }) => keyText(path))
  const list = known.find(name => key.startsWith(`${name}.`) || key.startsWith(`${name}[`))
  if (list) return `${key}: a list is set as a whole: --set '${list}=[…]'`
  return unknownKeyText(key, [], { known, root })
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** A text as the type that the schema wants there; what does not fit stays text and is refused. */
function parsedBranch(
  text: string,
  { path, node }: Setting,
  context: TextContext & { readonly origin: Origin },
): Layered {
  const { origin } = context
  let leaf: Layered = { kind: 'scalar', origin, value: text }
  if (node.type === 'number' || node.type === 'integer') {
    const trimmed = text.trim()
    if (NUMBER.test(trimmed)) leaf = { kind: 'scalar', origin, value: Number(trimmed) }
  } else if (node.type === 'array') {
    const code = 'CONFIG_INVALID'
    const list = readYaml(text, { ...context, path, originAt: () => origin, syntaxCode: code })
    if (!list) return emptyMap(origin)
    leaf = list
  }
  return path.reduceRight<Layered>(
    (child, key) => ({ kind: 'map', origin, entries: new Map([[key, child]]) }),
    leaf,
  )
}
