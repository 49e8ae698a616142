import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/directories.ts'
import { ROOT } from '../../support/root.ts'
import { runCli, startCli } from './run-cli.ts'

const SECRET = 'hunter2-never-shown'

describe('gainnet config', () => {
  test('check says ok to both examples, and nothing else', async () => {
    const results = await Promise.all(
      ['agent', 'controller'].map(daemon =>
        runCli([
          'config',
          'check',
          daemon,
          '--config',
          join(ROOT, `config/${daemon}.example.yaml`),
        ]),
      ),
    )
    for (const result of results)
      expect(result).toEqual({ exitCode: 0, stdout: 'ok\n', stderr: '' })
  })

  test('check names every problem of every layer, exits with 78 and shows no stack', async () => {
    const folder = temporaryDirectory()
    const file = join(folder, 'agent.yaml')
    mkdirSync(join(folder, 'agent.d'))
    writeFileSync(file, `site: home\nbroker:\n  ulr: x\n  password: [${SECRET}]\n`)
    writeFileSync(join(folder, 'agent.d/x.yaml'), 'healthSeconds: 0\n')
    const { exitCode, stdout, stderr } = await runCli(
      ['config', 'check', 'agent', '--config', file, '--set', 'limits.threads=0'],
      { GAINNET_AGENT__LOG__LEVEL: 'loud' },
    )
    expect(exitCode).toBe(78)
    expect(stdout).toBe('')
    expect(stderr.split('\n')).toEqual([
      'gainnet: 5 problems in the configuration of the agent:',
      `  ${file}:3: unknown key broker.ulr; did you mean url?`,
      `  ${file}:4: broker.password is a list; it must be text`,
      `  drop-in ${folder}/agent.d/x.yaml:1: healthSeconds is 0; it must be a whole number from 1 to 3600`,
      '  env GAINNET_AGENT__LOG__LEVEL: log.level is "loud"; it must be one of trace, debug, info, warn, error',
      '  --set: limits.threads is 0; it must be a whole number from 1 to 256',
      '  help: Correct the key that the message names. (docs/reference/errors.md#config_invalid)',
      '',
    ])
  })

  test('show prints what holds, with origins, and never a secret', async () => {
    const file = join(temporaryDirectory(), 'agent.yaml')
    writeFileSync(file, `agentId: pi-04\nbroker:\n  password: ${SECRET}\n`)
    const [yaml, json] = await Promise.all([
      runCli(['config', 'show', 'agent', '--config', file, '--origin']),
      runCli(['config', 'show', 'agent', '--config', file, '--origin', '--json']),
    ])
    expect(yaml.stdout).toMatch(new RegExp(`^agentId: pi-04 +# from ${file}:1$`, 'm'))
    expect(yaml.stdout).toMatch(new RegExp(`^ {2}password: <redacted> +# from ${file}:3$`, 'm'))
    expect(JSON.parse(json.stdout)).toMatchObject({
      config: { agentId: 'pi-04', broker: { password: '<redacted>' } },
      origins: { agentId: `${file}:1`, healthSeconds: 'default' },
    })
    expect(JSON.stringify([yaml, json])).not.toContain(SECRET)
  })

  test('schema prints JSON Schema', async () => {
    const { stdout } = await runCli(['config', 'schema', 'controller'])
    expect(JSON.parse(stdout)).toMatchObject({
      title: 'GainNet controller',
      required: ['models'],
      additionalProperties: false,
    })
  })
})

describe('a daemon', () => {
  test.each(['agent', 'controller'])(
    '%s without its file ends with 78 and a sentence',
    async name => {
      const { exitCode, stdout, stderr } = await runCli([name, '--config', '/nowhere/a.yaml'])
      expect(exitCode).toBe(78)
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^gainnet: \/nowhere\/a\.yaml does not exist\n {2}help: .*\n$/)
    },
  )
})

describe('the process', () => {
  test('ends without a word when nobody reads its output any more', async () => {
    const child = startCli(['config', 'schema', 'controller'])
    let stderr = ''
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.stdout.destroy()
    const exitCode = await new Promise(resolve => child.once('close', resolve))
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  })

  test('a wrong call exits with 64 and says on standard error what was seen', async () => {
    const { exitCode, stdout, stderr } = await runCli(['demo', '--agents', '17'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' })
    expect(stderr).toContain("'17' is invalid. It must be a whole number from 1 to 16.")
  })
})

describe('gainnet controller credential', () => {
  test('prints the password and nothing else on standard output, the next step beside it', async () => {
    const folder = temporaryDirectory()
    const file = join(folder, 'controller.yaml')
    writeFileSync(
      file,
      'stateDirectory: state\nmodels: [{modelId: m, evaluation: {path: held-back}}]\n',
    )
    const { exitCode, stdout, stderr } = await runCli([
      'controller',
      'credential',
      'pi-04',
      '--config',
      file,
    ])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^\S{16,}\n$/)
    expect(stderr).toContain('gainnet agent --set agentId=pi-04 --set site=home')
    expect(stderr).toContain('set broker.host to 0.0.0.0')
    expect(stderr).not.toContain(stdout.trim())
  })
})
