import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { modelKinds, modelSchema } from '../../../../training/models/registry.ts'
import { ROOT } from '../../../support/root.ts'

/** What the page tells of a JSON schema of zod's. */
const optionSchema = z.object({
  description: z.string(),
  default: z.json().optional(),
  type: z.string(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  enum: z.array(z.string()).optional(),
})
const kindSchema = z.object({
  properties: z.record(z.string(), z.unknown()),
  required: z.array(z.string()),
})

const page = readFileSync(join(ROOT, 'docs/reference/models.md'), 'utf8')

const options = modelSchema.options.flatMap(schema => {
  const { properties, required } = kindSchema.parse(z.toJSONSchema(schema, { io: 'input' }))
  const kind = schema.shape.kind.value
  return Object.entries(properties)
    .filter(([name]) => name !== 'kind' && name !== 'seed')
    .map(([name, given]) => {
      const option = optionSchema.parse(given)
      const isNeeded = required.includes(name)
      const absent = option.default === undefined ? 'none' : `\`${JSON.stringify(option.default)}\``
      const row = `| \`${name}\` | ${isNeeded ? 'needed' : absent} | ${range(option)} | ${option.description} |`
      return { kind, name, row }
    })
})

function range({ type, minimum, maximum, enum: words }: z.output<typeof optionSchema>): string {
  if (words) return words.join(', ')
  if (type === 'array') return 'list'
  return minimum === undefined ? type : `${minimum} to ${maximum}`
}

/** The part of the page below the heading of a kind. */
function sectionOf(kind: string): string {
  const [, after = ''] = page.split(`\n### ${kind}\n`)
  return after.split(/\n##/)[0] ?? ''
}

test('the page has a section for each kind of model, and no other', () => {
  const sections = [...page.matchAll(/^### (.+)$/gm)].map(([, kind]) => kind)
  expect(sections).toEqual(modelKinds.toSorted())
})

test.each(options)('the page tells the option $name of $kind as the schema does', option => {
  expect(sectionOf(option.kind)).toContain(option.row)
})

test.each(modelKinds)('the section on %s tells no option that there is not', kind => {
  const told = [...sectionOf(kind).matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  expect(told).toEqual(options.filter(option => option.kind === kind).map(({ name }) => name))
})
