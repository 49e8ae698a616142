import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { loadAgentConfig } from '../../../config/load-config.ts'
import { configAsJson, configAsYaml } from '../../../config/show-config.ts'
import { agentFrom, BARE, failureOf, folderWith } from './config-files.ts'

const SECRET = 'hunter2-never-shown'

describe('paths', () => {
  test('a relative path is taken from the folder of the file that names it', async () => {
    const folder = folderWith({
      'agent.yaml': 'stateDirectory: state\n',
      'agent.d/a.yaml': 'log: {file: daemon.log}\n',
    })
    const { config } = await loadAgentConfig({
      file: join(folder, 'agent.yaml'),
      flags: [{ key: 'measure.procRoot', value: 'proc' }],
    })
    expect(config.stateDirectory).toBe(join(folder, 'state'))
    expect(config.log.file).toBe(join(folder, 'agent.d/daemon.log'))
    expect(config.measure.procRoot).toBe(join(process.cwd(), 'proc'))
  })

  test.each([
    [{ STATE_DIRECTORY: '/var/lib/gainnet' }, '/var/lib/gainnet'],
    [{ STATE_DIRECTORY: '/var/lib/a:/var/lib/b' }, '/var/lib/a'],
    [{ XDG_STATE_HOME: '/x', HOME: '/h' }, '/x/gainnet/agent'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/h' }, '/h/.local/state/gainnet/agent'],
  ])('with %j the state directory is %s', async (environment, path) => {
    expect((await loadAgentConfig({ environment })).config.stateDirectory).toBe(path)
  })

  test.each([
    ['PI_04.local', 'pi-04'],
    ['Büro', 'b-ro'],
    ['---', 'agent'],
    ['', 'agent'],
    [`${'a'.repeat(80)}.lan`, 'a'.repeat(64)],
  ])('the host name %j becomes the agentId %s', async (hostname, agentId) => {
    expect((await loadAgentConfig({ ...BARE, hostname })).config.agentId).toBe(agentId)
  })
})

describe('passwordFile', () => {
  test('is read into the password, without the newline at its end', async () => {
    const folder = folderWith({
      'agent.yaml': 'broker: {passwordFile: secret}\n',
      secret: `${SECRET}\n`,
    })
    const { config } = await loadAgentConfig({ ...BARE, file: join(folder, 'agent.yaml') })
    expect(config.broker.password).toBe(SECRET)
  })

  test('is taken from $CREDENTIALS_DIRECTORY where systemd sets it', async () => {
    const CREDENTIALS_DIRECTORY = folderWith({ 'broker-password': SECRET })
    const { config } = await agentFrom('broker: {passwordFile: broker-password}\n', {
      environment: { CREDENTIALS_DIRECTORY },
    })
    expect(config.broker.password).toBe(SECRET)
  })

  test('has its like in the private key of a certificate', async () => {
    const { config } = await agentFrom(
      'broker: {url: "mqtts://edge", certFile: own.crt, keyFile: own.key}\n',
      { environment: { CREDENTIALS_DIRECTORY: '/run/credentials' } },
    )
    expect(config.broker.keyFile).toBe('/run/credentials/own.key')
    expect(config.broker.certFile).toMatch(/\/own\.crt$/)
    expect(config.broker.certFile).not.toContain('credentials')
  })

  test.each([
    ['does not exist', {}, 'does not exist'],
    ['is empty', { secret: '\n' }, 'is empty'],
    ['has two lines', { secret: `${SECRET}\nmore\n` }, 'must hold one line'],
  ])('that %s is refused where it is named', async (_, files, text) => {
    const folder = folderWith({ 'agent.yaml': '\nbroker:\n  passwordFile: secret\n', ...files })
    const error = await failureOf(loadAgentConfig({ file: join(folder, 'agent.yaml') }))
    expect(error.message).toContain('agent.yaml:3: broker.passwordFile: ')
    expect(error.message).toContain(text)
    expect(error.message).not.toContain(SECRET)
  })

  test('and password in one layer are refused; of two layers the later wins', async () => {
    const folder = folderWith({ 'agent.yaml': 'broker: {password: a}\n', secret: 'from-file' })
    const file = join(folder, 'agent.yaml')
    const flags = [{ key: 'broker.passwordFile', value: join(folder, 'secret') }]
    const { config } = await loadAgentConfig({ ...BARE, file, flags })
    expect(config.broker.password).toBe('from-file')
    const environment = {
      GAINNET_AGENT__BROKER__PASSWORD: 'a',
      GAINNET_AGENT__BROKER__PASSWORD_FILE: join(folder, 'secret'),
    }
    const error = await failureOf(loadAgentConfig({ environment }))
    expect(error.message).toContain('are both set; keep one of them')
  })

  test('gives way to a password of a later layer', async () => {
    const { config } = await agentFrom('broker: {passwordFile: /nowhere}\n', {
      environment: { GAINNET_AGENT__BROKER__PASSWORD: SECRET },
    })
    expect(config.broker.password).toBe(SECRET)
  })
})

describe('secrets', () => {
  test.each([
    `broker: {password: ${SECRET}, keepaliveSeconds: 0}`,
    `broker: {password: [${SECRET}]}`,
    `broker: {password: {${SECRET}: 1}}`,
    `broker:\n  password: *${SECRET}`,
    `broker:\n  password: !${SECRET} x`,
    `broker:\n  password: "${SECRET}`,
    `broker:\n  password: "a" "${SECRET}"`,
    `broker:\n  password: ]${SECRET}`,
    `broker:\n  password: @${SECRET}`,
    `broker:\n  password: a\n ${SECRET}`,
    `broker:\n  pasword: ${SECRET}`,
    `broker: {url: "mqtt://user:${SECRET}@edge"}`,
    `broker: {url: "http://user:${SECRET}@edge"}`,
  ])('are in no message: %s', async yaml => {
    const error = await failureOf(agentFrom(`${yaml}\n`))
    // Its own key may be repeated: a key is not where a password stands.
    const said = `${error.message}${JSON.stringify(error.details)}`
    expect(said.replaceAll(`unknown key broker.password.${SECRET}`, '')).not.toContain(SECRET)
  })

  test('a password that YAML takes for a number is refused without being shown', async () => {
    const error = await failureOf(agentFrom('broker: {password: 123456}\n'))
    expect(error.message).toBe(
      'agent.yaml:1: broker.password is <redacted> (a number: write it in quotes); it must be text',
    )
  })

  test('are not taken from the command line, and not repeated from there', async () => {
    const flags = [{ key: 'broker.password', value: SECRET }]
    const error = await failureOf(loadAgentConfig({ ...BARE, flags }))
    expect(error.message).toContain('use broker.passwordFile or GAINNET_AGENT__BROKER__PASSWORD')
    expect(error.message).not.toContain(SECRET)
  })

  test('are redacted in whatever shows the configuration', async () => {
    const loaded = await agentFrom(`broker: {password: ${SECRET}}\n`)
    for (const origin of [true, false]) {
      const yaml = configAsYaml(loaded, { origin })
      expect(yaml).toContain('password: <redacted>')
      expect(yaml).not.toContain(SECRET)
      expect(JSON.stringify(configAsJson(loaded, { origin }))).not.toContain(SECRET)
    }
  })
})

describe('the origin of a value', () => {
  test('is shown for each of the layers', async () => {
    const folder = folderWith({
      'agent.yaml': 'site: a\nsensors:\n  - kind: text-folder\n    id: b\n    path: /c\n',
      'agent.d/x.yaml': '\nlink: c\n',
    })
    const file = join(folder, 'agent.yaml')
    const loaded = await loadAgentConfig({
      ...BARE,
      file,
      environment: { GAINNET_AGENT__HEALTH_SECONDS: '7' },
      flags: [{ key: 'limits.threads', value: '2' }],
    })
    const lines = stripVTControlCharacters(configAsYaml(loaded, { origin: true })).split('\n')
    const origins = new Map(lines.map(line => line.split(/ +# from /) as [string, string]))
    expect(origins.get('site: a')).toBe(`${file}:1`)
    expect(origins.get('link: c')).toBe(`drop-in ${join(folder, 'agent.d/x.yaml')}:2`)
    expect(origins.get('healthSeconds: 7')).toBe('env GAINNET_AGENT__HEALTH_SECONDS')
    expect(origins.get('  threads: 2')).toBe('--set')
    expect(origins.get('  niceness: 10')).toBe('default')
    expect(origins.get('agentId: pi-04')).toBe('default: host name')
    expect(origins.get('  username: pi-04')).toBe('default: agentId')
    expect(origins.get('    id: b')).toBe(`${file}:4`)
    expect(origins.get('    bytesPerSecond: 2000')).toBe('default')
    expect(configAsJson(loaded, { origin: true })).toMatchObject({
      config: { limits: { threads: 2 } },
      origins: { 'limits.threads': '--set', 'sensors[0].id': `${file}:4` },
    })
  })

  test('does not change what the output says as YAML: it loads to the same values', async () => {
    const first = await agentFrom('sensors: [{kind: text-folder, id: a, path: "/a b: #c"}]\n')
    const again = await agentFrom(configAsYaml(first, { origin: true }))
    expect(again.config).toEqual(first.config)
  })
})
