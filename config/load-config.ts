import { homedir, hostname } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { z } from 'zod'
import { AgentConfig } from './agent-schema.ts'
import { ControllerConfig } from './controller-schema.ts'
import { fileLayers } from './file-layers.ts'
import {
  emptyMap,
  type Layered,
  layeredAt,
  mapScalars,
  merge,
  toPlain,
  withScalar,
} from './layered.ts'
import { withPasswordRead } from './password-file.ts'
import { type Problem, throwProblems, wrongValueText } from './problems.ts'
import { keyText, type SchemaNode, schemaAt, schemaTreeOf, valueAt } from './schema-tree.ts'
import { environmentLayer, type FlagSetting, flagLayer } from './text-layers.ts'

export const CONFIG_SCHEMAS = { agent: AgentConfig, controller: ControllerConfig } as const
export type DaemonName = keyof typeof CONFIG_SCHEMAS

type Environment = Readonly<Record<string, string | undefined>>

export interface LoadOptions {
  /** The YAML file; without one there are defaults, environment and flags. */
  readonly file?: string | undefined
  readonly flags?: readonly FlagSetting[]
  readonly environment?: Environment
  readonly hostname?: string
}

export interface LoadedConfig<Config> {
  readonly config: Config
  /** Every value that a layer has set, with its origin; what is not in it is a default. */
  readonly layered: Layered
  readonly schema: SchemaNode
}

export function loadAgentConfig(options: LoadOptions = {}): Promise<LoadedConfig<AgentConfig>> {
  return load('agent', AgentConfig, options)
}

export function loadControllerConfig(
  options: LoadOptions = {},
): Promise<LoadedConfig<ControllerConfig>> {
  return load('controller', ControllerConfig, options)
}

/** Defaults < file < drop-ins < environment < flags; every problem of every layer is named. */
async function load<Config>(
  daemon: DaemonName,
  schema: z.ZodType<Config>,
  { file, flags = [], environment = process.env, hostname: host = hostname() }: LoadOptions,
): Promise<LoadedConfig<Config>> {
  const root = schemaTreeOf(schema)
  const problems: Problem[] = []
  const context = { daemon, root, problems }
  let layered = derivedDefaults(daemon, { environment, host })
  if (file !== undefined) layered = merge(layered, await fileLayers(file, context))
  layered = merge(layered, environmentLayer(environment, context))
  layered = merge(layered, flagLayer(flags, context))
  if (daemon === 'agent') layered = withUsername(layered)
  layered = withPathsResolved(layered, { root, environment })
  layered = await withPasswordRead(layered, problems)
  const parsed = schema.safeParse(toPlain(layered))
  // What an unreadable file would have set is not missing.
  const isWhole = !problems.some(({ code }) => code === 'CONFIG_UNREADABLE')
  if (!parsed.success && isWhole) {
    problems.push(...valueProblems(parsed.error.issues, { root, layered, file }))
  }
  if (!parsed.success || problems.length > 0) throwProblems(daemon, problems)
  return { config: parsed.data, layered, schema: root }
}

function derivedDefaults(
  daemon: DaemonName,
  { environment, host }: { readonly environment: Environment; readonly host: string },
): Layered {
  const { STATE_DIRECTORY, XDG_STATE_HOME, HOME = homedir() } = environment
  // systemd separates several directories by colons (systemd.exec(5), StateDirectory=).
  const given = STATE_DIRECTORY?.split(':')[0]
  // The XDG base directory specification says to ignore what is not absolute.
  const base =
    XDG_STATE_HOME && isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : join(HOME, '.local/state')
  let layered = withScalar(emptyMap({ layer: 'default' }), ['stateDirectory'], {
    value: given || join(base, 'gainnet', daemon),
    origin: { layer: 'default', note: given ? '$STATE_DIRECTORY' : 'user state directory' },
  })
  if (daemon === 'agent') {
    layered = withScalar(layered, ['agentId'], {
      value: identifierOf(host),
      origin: { layer: 'default', note: 'host name' },
    })
  }
  return layered
}

/** A host name made fit for a topic: pi-04 of PI_04.local. */
function identifierOf(host: string): string {
  const label = host.split('.')[0] ?? ''
  const fit = label.toLowerCase().replace(/[^a-z0-9-]+/g, '-')
  return fit.slice(0, 64).replace(/^-+|-+$/g, '') || 'agent'
}

function withUsername(layered: Layered): Layered {
  const agentId = layeredAt(layered, ['agentId'])
  const broker = layeredAt(layered, ['broker'])
  if (agentId?.kind !== 'scalar' || (broker && broker.kind !== 'map')) return layered
  if (broker?.entries.has('username')) return layered
  return withScalar(layered, ['broker', 'username'], {
    value: agentId.value,
    origin: { layer: 'default', note: 'agentId' },
  })
}

const SECRET_FILES: ReadonlySet<string> = new Set(['passwordFile', 'keyFile'])

/** Relative paths of a file are relative to its folder, all others to the working directory. */
function withPathsResolved(
  layered: Layered,
  { root, environment }: { readonly root: SchemaNode; readonly environment: Environment },
): Layered {
  const plain = toPlain(layered)
  return mapScalars(layered, ({ value, origin }, path) => {
    const isPath = schemaAt(root, path, plain)?.path === true
    if (!isPath || typeof value !== 'string' || value === '') return value
    // systemd.exec(5): LoadCredential= puts its files there.
    const isSecret = SECRET_FILES.has(String(path.at(-1)))
    const credentials = isSecret && environment.CREDENTIALS_DIRECTORY
    return resolve(credentials || ('file' in origin ? dirname(origin.file) : '.'), value)
  })
}

interface ValueContext {
  readonly root: SchemaNode
  readonly layered: Layered
  readonly file: string | undefined
}

function valueProblems(issues: readonly z.core.$ZodIssue[], context: ValueContext): Problem[] {
  const seen = new Set<string>()
  return issues.flatMap(issue => {
    const key = keyText(issue.path)
    if (seen.has(key)) return []
    seen.add(key)
    const problem = valueProblem(issue, key, context)
    // A derived default is wrong only where what it is derived from is, and that is named.
    return problem.origin?.layer === 'default' ? [] : [problem]
  })
}

function valueProblem(
  issue: z.core.$ZodIssue,
  key: string,
  { root, layered, file }: ValueContext,
): Problem {
  const plain = toPlain(layered)
  const value = valueAt(plain, issue.path)
  const node = schemaAt(root, issue.path, plain) ?? {}
  const text =
    issue.code === 'custom' && issue.message !== ''
      ? `${key} ${issue.message}`
      : wrongValueText(key, value, node)
  const origin = placeOf(layered, issue.path)
  if (origin) return { code: 'CONFIG_INVALID', origin, key, text }
  return { code: 'CONFIG_INVALID', key, text: file ? `${file}: ${text}` : text }
}

/** Where a value was set; of a missing one, where the list entry is that lacks it. */
function placeOf(layered: Layered, path: readonly PropertyKey[]) {
  const own = layeredAt(layered, path)
  if (own) return own.origin
  const entryDepth = path.findLastIndex(part => typeof part === 'number') + 1
  return entryDepth > 0 ? layeredAt(layered, path.slice(0, entryDepth))?.origin : undefined
}
