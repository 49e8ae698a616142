import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../runtime/errors.ts'
import { emptyMap, type Layered, merge, type Origin } from './layered.ts'
import { type Problem, unreadableText } from './problems.ts'
import { readYaml } from './read-yaml.ts'
import type { SchemaNode } from './schema-tree.ts'

/** A configuration of a thousand models is 200 kB; a larger file is some other file. */
const FILE_BYTES_MAX = 2 ** 20

interface FileContext {
  readonly root: SchemaNode
  readonly problems: Problem[]
}

/** The file and, over it, its drop-ins in the order of their names: agent.yaml, agent.d/*.yaml. */
export async function fileLayers(file: string, context: FileContext): Promise<Layered> {
  let layers = await yamlFile(file, 'file', context)
  for (const dropIn of await dropInsOf(file, context)) {
    layers = merge(layers, await yamlFile(dropIn, 'drop-in', context))
  }
  return layers
}

async function dropInsOf(file: string, { problems }: FileContext): Promise<string[]> {
  const folder = `${file.replace(/\.ya?ml$/, '')}.d`
  try {
    const names = await readdir(folder)
    const ours = names.filter(name => name.endsWith('.yaml') && !name.startsWith('.'))
    return ours.sort().map(name => join(folder, name))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    problems.push({ code: 'CONFIG_UNREADABLE', text: unreadableText(folder, errnoOf(error)) })
    return []
  }
}

async function yamlFile(
  file: string,
  layer: 'file' | 'drop-in',
  { root, problems }: FileContext,
): Promise<Layered> {
  const none = emptyMap({ layer: 'default' })
  const text = await utf8File(file)
  if (!text.ok) {
    problems.push({ code: 'CONFIG_UNREADABLE', text: text.reason })
    return none
  }
  const originAt = (line: number): Origin => ({ layer, file, line })
  const context = { root, problems, path: [], originAt, syntaxCode: 'CONFIG_UNREADABLE' } as const
  const content = readYaml(text.value, context)
  if (content && content.kind !== 'map') {
    const sentence = 'the file must hold keys with values (key: value)'
    problems.push({ code: 'CONFIG_UNREADABLE', origin: content.origin, text: sentence })
    return none
  }
  return content ?? none
}

type FileText =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly reason: string }

async function utf8File(file: string): Promise<FileText> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    return { ok: false, reason: unreadableText(file, errnoOf(error)) }
  }
  if (bytes.length > FILE_BYTES_MAX) {
    return { ok: false, reason: `${file} has ${bytes.length} bytes, more than any configuration` }
  }
  const notText = { ok: false, reason: `${file} is not text in UTF-8` } as const
  if (bytes.includes(0)) return notText
  try {
    return { ok: true, value: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return notText
  }
}
