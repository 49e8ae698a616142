import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.ts'

/** What no person wrote, or nobody ships. */
const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.gainnet'])

export interface RepositoryFile {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
}

/** Names at the root of the repository, without what is installed or built there. */
export function rootEntries(): { readonly name: string; readonly isFolder: boolean }[] {
  return readdirSync(ROOT, { withFileTypes: true })
    .filter(({ name }) => !NOT_OURS.has(name))
    .map(entry => ({ name: entry.name, isFolder: entry.isDirectory() }))
}

/** The files of the repository whose names end so, with their texts. */
export function repositoryFiles(...endings: readonly string[]): RepositoryFile[] {
  return rootEntries()
    .flatMap(({ name, isFolder }) => (isFolder ? filesBelow(name) : [name]))
    .filter(path => endings.some(ending => path.endsWith(ending)))
    .sort()
    .map(path => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => !name.split('/').some(part => NOT_OURS.has(part)))
    .map(name => `${folder}/${name}`)
    .filter(path => statSync(join(ROOT, path)).isFile())
}
