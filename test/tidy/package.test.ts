import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../support/root.ts'

interface LockedPackage {
  readonly version: string
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly dev?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const manifest = readJson('package.json')
const packages: Readonly<Record<string, LockedPackage>> = readJson('package-lock.json').packages
const installed = Object.entries(packages).filter(([path]) => path !== '')

// The files' own tools wrote them; what is looked at is asserted below.
function readJson(name: string) {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'))
}

describe('package.json', () => {
  test('names exact versions', () => {
    const versions = { ...manifest.dependencies, ...manifest.devDependencies }
    for (const [name, version] of Object.entries(versions)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/)
    }
  })

  test('asks for a Node that every dependency runs on', () => {
    expect(manifest.engines).toEqual({ node: '>=20.19' })
  })

  test('pins ONNX Runtime to the release that everything was checked against', () => {
    expect(manifest.dependencies['onnxruntime-node']).toBe('1.27.0')
    const versions = installed.filter(([path]) => path.endsWith('/onnxruntime-node'))
    expect(versions.map(([, { version }]) => version)).toEqual(['1.27.0'])
  })

  test('leaves ONNX Runtime as WebAssembly to who needs it, in the same release', () => {
    expect(manifest.peerDependencies).toEqual({ 'onnxruntime-web': '1.27.0' })
    expect(manifest.peerDependenciesMeta).toEqual({ 'onnxruntime-web': { optional: true } })
    expect(manifest.devDependencies['onnxruntime-web']).toBe('1.27.0')
  })

  test('denies the install script of ONNX Runtime, and .npmrc denies all', () => {
    expect(manifest.allowScripts).toEqual({ 'onnxruntime-node': false })
    const lines = readFileSync(join(ROOT, '.npmrc'), 'utf8').split('\n')
    expect(lines).toContain('ignore-scripts=true')
  })

  test('has no scripts that npm runs by itself', () => {
    const byItself = /^(?:pre|post)|^(?:install|prepare|prepublish)$/
    expect(Object.keys(manifest.scripts).filter(name => byItself.test(name))).toEqual([])
  })

  test('names a licence, and the licence is there', () => {
    expect(manifest.license).toBe('Apache-2.0')
    const licence = readFileSync(join(ROOT, 'LICENSE'), 'utf8')
    expect(licence).toContain('Apache License')
    expect(licence).toContain('END OF TERMS AND CONDITIONS')
  })
})

describe('package-lock.json', () => {
  test('agrees with package.json', () => {
    expect(packages['']?.dependencies).toEqual(manifest.dependencies)
    expect(packages['']?.devDependencies).toEqual(manifest.devDependencies)
  })

  test('takes everything from the registry, with its hash', () => {
    for (const [path, { resolved, integrity }] of installed) {
      // npm leaves the address out where it is that of the registry in use.
      if (resolved) expect(resolved, path).toMatch(/^https:\/\/registry\.npmjs\.org\//)
      expect(integrity, path).toMatch(/^sha512-/)
    }
  })
})

test.skipIf(!existsSync(join(ROOT, '.git')))(
  'nothing that is built or installed is committed',
  () => {
    const options = { cwd: ROOT, encoding: 'utf8' } as const
    const tracked = execFileSync('git', ['ls-files', '-z'], options).split('\0')
    const built = /^(?:dist|node_modules|\.gainnet|coverage)\/|\.(?:tgz|log|map|tsbuildinfo)$/
    expect(tracked.filter(path => built.test(path))).toEqual([])
  },
)
