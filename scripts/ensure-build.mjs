import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { doOnce } from './setup-lock.mjs'
import { binary, mustRun, ROOT, say } from './steps.mjs'

const DIST = join(ROOT, 'dist')
const STAMP = join(DIST, '.sources')

/** Compiles to dist/ unless the sources are those of the last build. */
export function ensureBuild() {
  doOnce(
    () => readStamp() === stampOfSources(),
    () => {
      say('compiling (tsc)')
      const stamp = stampOfSources()
      mkdirSync(DIST, { recursive: true })
      rmSync(STAMP, { force: true })
      mustRun(binary('tsc'), ['-p', 'tsconfig.build.json'])
      removeOrphans(DIST)
      writeFileSync(STAMP, stamp)
    },
  )
}

/** Changes when a source is added, removed or written: paths, sizes and times, not contents. */
function stampOfSources() {
  const config = ['package.json', 'tsconfig.json', 'tsconfig.build.json']
  const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8'))
  const sources = include.flatMap(folder => sourcesBelow(join(ROOT, folder)))
  const hash = createHash('sha256')
  for (const path of [...config.map(name => join(ROOT, name)), ...sources.sort()]) {
    const { size, mtimeMs } = statSync(path)
    hash.update(`${relative(ROOT, path)} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function sourcesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))
}

/** A module whose source is gone would still be there to be imported. */
function removeOrphans(dist) {
  for (const name of readdirSync(dist, { recursive: true })) {
    const source = name.replace(/\.js(\.map)?$/, '.ts')
    if (source !== name && !existsSync(join(ROOT, source))) rmSync(join(dist, name))
  }
}

function readStamp() {
  try {
    return readFileSync(STAMP, 'utf8')
  } catch {
    return undefined
  }
}
