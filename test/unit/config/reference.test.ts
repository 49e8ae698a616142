import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { AgentConfig } from '../../../config/agent-schema.ts'
import {
  CONFIG_SCHEMAS,
  loadAgentConfig,
  loadControllerConfig,
} from '../../../config/load-config.ts'
import { editDistance, nearestName } from '../../../config/nearest-name.ts'
import { DAEMON_NAMES, generatedFiles } from '../../../config/reference.ts'
import { schemaTreeOf, settingsOf } from '../../../config/schema-tree.ts'
import { variableName } from '../../../config/text-layers.ts'
import { ERRORS } from '../../../runtime/errors.ts'
import { ROOT } from '../../support/root.ts'
import { BARE, folderWith } from './config-files.ts'

function projectFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

describe('what is written from the schemas', () => {
  test.each([...generatedFiles().keys()])('%s is up to date', path => {
    const stale = `run: node --import tsx config/write-reference.ts`
    expect(projectFile(path) === generatedFiles().get(path), stale).toBe(true)
  })

  test.each(DAEMON_NAMES)('every key of the %s has a description with a full stop', daemon => {
    for (const { path, node } of settingsOf(schemaTreeOf(CONFIG_SCHEMAS[daemon]))) {
      expect(node.description, path.join('.')).toMatch(/^[A-Z].*\.$/s)
    }
  })

  test.each(DAEMON_NAMES)('every number of the %s has a minimum and a maximum', daemon => {
    for (const { path, node } of settingsOf(schemaTreeOf(CONFIG_SCHEMAS[daemon]))) {
      if (node.type !== 'integer' && node.type !== 'number') continue
      expect(node.minimum ?? node.exclusiveMinimum, path.join('.')).toBeTypeOf('number')
      expect(Math.abs(node.maximum ?? Number.NaN), path.join('.')).toBeLessThan(2 ** 50)
    }
  })

  test.each(DAEMON_NAMES)('no two keys of the %s share a variable', daemon => {
    const settings = settingsOf(schemaTreeOf(CONFIG_SCHEMAS[daemon]))
    const names = settings.map(({ path }) => variableName(daemon, path).replaceAll('_', ''))
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('the examples', () => {
  const LOADERS = { agent: loadAgentConfig, controller: loadControllerConfig } as const

  /** What stands behind a single # is a default. */
  function uncommented(yaml: string): string {
    return yaml.replaceAll(/^( *)# (?!yaml-language-server)/gm, '$1')
  }

  async function loaded(daemon: 'agent' | 'controller', yaml: string): Promise<unknown> {
    const file = join(folderWith({ 'example.yaml': yaml }), 'example.yaml')
    return (await LOADERS[daemon]({ ...BARE, file })).config
  }

  test.each(DAEMON_NAMES)('of the %s is accepted, and so are all of its defaults', async daemon => {
    const yaml = projectFile(`config/${daemon}.example.yaml`)
    expect(uncommented(yaml)).not.toBe(yaml)
    expect(await loaded(daemon, uncommented(yaml))).toEqual(await loaded(daemon, yaml))
  })

  test('of the agent changes nothing', async () => {
    const yaml = projectFile('config/agent.example.yaml')
    expect(await loaded('agent', uncommented(yaml))).toEqual((await loadAgentConfig(BARE)).config)
  })

  test.each(DAEMON_NAMES)('of the %s has every key', daemon => {
    const yaml = projectFile(`config/${daemon}.example.yaml`)
    for (const { path } of settingsOf(schemaTreeOf(CONFIG_SCHEMAS[daemon]))) {
      expect(yaml, path.join('.')).toMatch(new RegExp(`^[ #-]*${path.at(-1)}:`, 'm'))
    }
  })

  test('every commented entry, made real, is accepted too', async () => {
    const yaml = projectFile('config/agent.example.yaml')
    const entry = yaml.slice(yaml.indexOf('##   sensors:')).replaceAll(/^## {3}/gm, '')
    const lists = parse(entry)
    const { sensors, radios } = AgentConfig.parse({
      ...{ agentId: 'a', stateDirectory: '/' },
      ...{ sensors: lists.sensors, radios: lists.radios },
    })
    // One of each kind.
    const nodes = schemaTreeOf(CONFIG_SCHEMAS.agent).properties?.sensors?.items?.oneOf ?? []
    const kinds = nodes.map(({ properties }) => properties?.kind?.const)
    expect(sensors.map(({ kind }) => kind)).toEqual(kinds)
    expect(radios).toMatchObject([{ kind: 'rtl-tcp', id: 'ism-868', frequencyHz: 868_300_000 }])
  })
})

describe('the page of errors', () => {
  const rows = projectFile('docs/reference/errors.md')
    .split('\n')
    .filter(line => line.includes('<a id='))
    .map(line => line.split('|').map(cell => cell.trim()))

  test('has a row for each code and a code for each row', () => {
    const codes = rows.map(([, code = '']) => code.replace(/^.*`(\w+)`$/, '$1'))
    expect(codes.sort()).toEqual(Object.keys(ERRORS).sort())
  })

  test('has the anchor, exit code and retry of each code, and says what happened and what to do', () => {
    for (const [code, { exitCode, retry }] of Object.entries(ERRORS)) {
      const anchor = `<a id="${code.toLowerCase()}"></a>\`${code}\``
      const row = rows.find(cells => cells[1] === anchor)
      expect(row?.slice(2, 4), code).toEqual([String(exitCode), retry ? 'yes' : 'no'])
      expect(row?.[4], code).toMatch(/\.$/)
      expect(row?.[5], code).toMatch(/\.$/)
    }
  })
})

describe('the nearest name', () => {
  test.each([
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['same', 'same', 0],
  ])('%j and %j are %i letters apart', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance)
  })

  test('is offered for a slip and not for another word', () => {
    const names = ['url', 'username', 'keepaliveSeconds']
    expect(nearestName('ulr', names)).toBe('url')
    expect(nearestName('KEEPALIVESECONDS', names)).toBe('keepaliveSeconds')
    expect(nearestName('colour', names)).toBeUndefined()
    expect(nearestName('url', [])).toBeUndefined()
  })
})
