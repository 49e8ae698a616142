import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes the files of a report, by name; returns their names. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): string[] {
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return Object.keys(files)
}
