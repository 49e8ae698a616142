import { basename } from 'node:path'
import { type ErrorCode, GainnetError } from '../runtime/errors.ts'
import { isLater, type Origin, originText } from './layered.ts'
import { nearestName } from './nearest-name.ts'
import { allowedText, keyText, type SchemaNode, settingsOf } from './schema-tree.ts'

/** Something that is wrong with a configuration. All are collected before anything is said. */
export interface Problem {
  /** CONFIG_UNREADABLE hides what else may be wrong in the file. */
  readonly code: Extract<ErrorCode, 'CONFIG_INVALID' | 'CONFIG_UNREADABLE'>
  readonly origin?: Origin
  readonly key?: string
  /** A sentence without the place, never with a secret. */
  readonly text: string
}

export function throwProblems(daemon: string, problems: readonly Problem[]): never {
  const ordered = [...problems].sort(byPlace)
  const lines = ordered.map(problemText)
  const code = problems.some(problem => problem.code === 'CONFIG_UNREADABLE')
    ? 'CONFIG_UNREADABLE'
    : 'CONFIG_INVALID'
  const message =
    lines.length === 1
      ? lines.join()
      : [`${lines.length} problems in the configuration of the ${daemon}:`, ...lines].join('\n  ')
  throw new GainnetError(code, message, { problems: lines })
}

function problemText({ origin, text }: Problem): string {
  return origin ? `${originText(origin)}: ${text}` : text
}

/** By layer, then file, then line; what has no place comes last. */
function byPlace({ origin: one }: Problem, { origin: other }: Problem): number {
  if (!one || !other) return Number(!one) - Number(!other)
  if (isLater(one, other)) return 1
  if (isLater(other, one)) return -1
  if (!('file' in one && 'file' in other)) return 0
  if (one.file !== other.file) return one.file < other.file ? -1 : 1
  return one.line - other.line
}

const SEEN_CHARACTERS_MAX = 60

/** A value as a message may show it: short, with its type where that is the point, no secrets. */
function seenText(value: unknown, node: SchemaNode): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a section with keys'
  const shown = node.secret ? '<redacted>' : shortText(value)
  const needsQuotes = node.type === 'string' && typeof value !== 'string'
  return needsQuotes ? `${shown} (a ${typeof value}: write it in quotes)` : shown
}

function shortText(value: unknown): string {
  const shown = JSON.stringify(value).replace(/\/\/[^@/]*@/, '//<redacted>@')
  return shown.length > SEEN_CHARACTERS_MAX ? `${shown.slice(0, SEEN_CHARACTERS_MAX)}…` : shown
}

export function wrongValueText(key: string, value: unknown, node: SchemaNode): string {
  if (value === undefined) return `${key} is missing; it must be ${allowedText(node)}`
  return `${key} is ${seenText(value, node)}; it must be ${allowedText(node)}`
}

/** Names the slip: a neighbour of nearly that name, else the same name elsewhere, else them all. */
export function unknownKeyText(
  key: string,
  path: readonly PropertyKey[],
  { known, root }: { readonly known: readonly string[]; readonly root: SchemaNode },
): string {
  const wrong = keyText([...path, key])
  const near = nearestName(key, known) ?? sameNameElsewhere(key, root)
  if (near) return `unknown key ${wrong}; did you mean ${near}?`
  return `unknown key ${wrong}; known here: ${known.join(', ')}`
}

function sameNameElsewhere(key: string, root: SchemaNode): string | undefined {
  const last = key.split('.').at(-1)?.toLowerCase()
  const place = settingsOf(root).find(({ path }) => path.at(-1)?.toLowerCase() === last)
  return place && keyText(place.path)
}

/** Why a file or folder cannot be used, without the words of the system call. */
export function unreadableText(path: string, errno: string | undefined): string {
  switch (errno) {
    case 'ENOENT':
      return `${path} does not exist`
    case 'EACCES':
    case 'EPERM':
      return `${path} may not be read by this user`
    case 'EISDIR':
      return `${path} is a folder, not a file`
    case 'ENOTDIR':
      return `${basename(path)} cannot be in ${path}: a part of the path is not a folder`
    default:
      return `${path} cannot be read (${errno ?? 'unknown error'})`
  }
}
