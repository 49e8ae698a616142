import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../support/root.ts'
import { repositoryFiles } from '../support/source-files.ts'

const pages = repositoryFiles('.md').filter(({ path }) => !path.startsWith('test/fixtures/'))

/** Text without code, where brackets and # mean something else. */
function proseOf(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
}

/** Headings as GitHub turns them into anchors. */
function anchorsOf(text: string): string[] {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+\s+(.+)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{Letter}\p{Number}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  )
}

describe.each(pages)('$path', ({ path, text }) => {
  test('has links that lead somewhere', () => {
    for (const [, target = ''] of proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:https?|mailto):/.test(target)) continue
      const [file = '', anchor] = target.split('#')
      const linked = file === '' ? path : join(dirname(path), file)
      expect(existsSync(join(ROOT, linked)), `${target} is there`).toBe(true)
      if (!anchor) continue
      const anchors = anchorsOf(readFileSync(join(ROOT, linked), 'utf8'))
      expect(anchors, target).toContain(anchor)
    }
  })

  test('names no command that package.json does not have', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } })
    const known = [...Object.keys(manifest.scripts), '<']
    for (const [, name = ''] of text.matchAll(/\bnpm run ([a-z<][\w:-]*)/g)) {
      expect(known, `npm run ${name}`).toContain(name)
    }
  })
})

test('the README is a page, not the docs', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  expect(readme.split('\n').length - 1).toBeLessThanOrEqual(150)
})

test('every page of the docs can be reached from docs/README.md', () => {
  const index = readFileSync(join(ROOT, 'docs/README.md'), 'utf8')
  const below = pages.filter(({ path }) => path.startsWith('docs/') && path !== 'docs/README.md')
  const lost = below.filter(({ path }) => {
    const [folder = '', name = ''] = path.slice('docs/'.length).split('/')
    return !index.includes(`${folder}/${name}`) && folder !== 'decisions'
  })
  expect(lost.map(({ path }) => path)).toEqual([])
})
