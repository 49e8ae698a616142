import { fileURLToPath } from 'node:url'
import { writeFileAtomic } from '../runtime/atomic-file.ts'
import { generatedFiles } from './reference.ts'

/** Writes the files that come from the schemas: node --import tsx config/write-reference.ts */
for (const [path, content] of generatedFiles()) {
  await writeFileAtomic(fileURLToPath(new URL(`../${path}`, import.meta.url)), content)
  process.stdout.write(`${path}\n`)
}
