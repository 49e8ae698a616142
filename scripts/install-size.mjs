import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { arch, cpus, platform } from 'node:os'
import { join, relative } from 'node:path'
import { ensurePackages } from './ensure-packages.mjs'
import { ROOT } from './steps.mjs'

// `npm run size`: what a production installation weighs and its biggest parts, measured on the
// installed files. ONNX Runtime ships the libraries of all platforms; each is a part of its own.

const PARTS_SHOWN = 10
const MIB = 1024 * 1024
/** bin/napi-v6/linux/x64 and the like. */
const PLATFORM_FOLDER = /^node_modules\/onnxruntime-node\/bin\/[^/]+\/([^/]+)\/([^/]+)\//

ensurePackages()
const parts = partSizes(productionPackages())
const total = sum(parts.values())
const needed = sum([...parts].filter(([name]) => isForThisMachine(name)).map(([, bytes]) => bytes))
const rows = [
  { name: 'install.total', value: toMib(total), unit: 'MiB' },
  { name: 'install.neededHere', value: toMib(needed), unit: 'MiB' },
  ...[...parts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, PARTS_SHOWN)
    .map(([name, bytes]) => ({ name, value: toMib(bytes), unit: 'MiB' })),
]
if (process.argv.includes('--json')) printJson()
else printTable()

function productionPackages() {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  return Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .map(([path]) => path)
    .filter(path => existsSync(join(ROOT, path)))
}

/** Bytes by part: a package, without those that lie inside of it, or a platform of ONNX Runtime. */
function partSizes(packagePaths) {
  const sizes = new Map()
  for (const path of packagePaths) {
    const name = path.split('node_modules/').at(-1)
    for (const file of filesOf(join(ROOT, path))) {
      const target = PLATFORM_FOLDER.exec(relative(ROOT, file))
      const part = target ? `${name} (${target[1]}-${target[2]})` : name
      sizes.set(part, (sizes.get(part) ?? 0) + lstatSync(file).size)
    }
  }
  return sizes
}

function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (!entry.isDirectory()) return [path]
    return entry.name === 'node_modules' ? [] : filesOf(path)
  })
}

function isForThisMachine(part) {
  return !part.includes(' (') || part.endsWith(` (${platform()}-${arch()})`)
}

function printJson() {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
  }
  const notes = ['install.neededHere leaves out the ONNX Runtime libraries of other platforms']
  const at = new Date().toISOString()
  console.log(JSON.stringify({ bench: 'install-size', at, machine, rows, notes }))
}

function printTable() {
  const [whole, here, ...biggest] = rows
  console.log(`production installation   ${format(whole)}`)
  console.log(`of it used here           ${format(here)}   (${platform()}-${arch()})\n`)
  for (const row of biggest) console.log(`${format(row)}   ${row.name}`)
}

function format({ value, unit }) {
  return `${value.toFixed(1).padStart(7)} ${unit}`
}

function toMib(bytes) {
  return Math.round((bytes / MIB) * 10) / 10
}

function sum(numbers) {
  return [...numbers].reduce((total, number) => total + number, 0)
}
