import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadAgentConfig, loadControllerConfig } from '../../../config/load-config.ts'
import { agentFrom, BARE, failureOf, folderWith } from './config-files.ts'

describe('layers', () => {
  test('without any layer there are the defaults of the schema and of the machine', async () => {
    const { config } = await loadAgentConfig(BARE)
    expect(config).toMatchObject({
      agentId: 'pi-04',
      stateDirectory: '/home/tester/.local/state/gainnet/agent',
      broker: { url: 'mqtt://127.0.0.1:1883', username: 'pi-04', keepaliveSeconds: 30 },
      limits: { memoryBytes: 536_870_912 },
      sensors: [],
    })
  })

  test('each layer wins over those before it', async () => {
    const folder = folderWith({
      'agent.yaml': 'healthSeconds: 1\nsite: a\nlink: a\nagentId: a\nlog: {level: warn}\n',
      'agent.d/10-site.yaml': 'site: b\nlink: b\nagentId: b\n',
    })
    const { config } = await loadAgentConfig({
      file: join(folder, 'agent.yaml'),
      environment: { GAINNET_AGENT__LINK: 'c', GAINNET_AGENT__AGENT_ID: 'c' },
      flags: [{ key: 'agentId', value: 'd' }],
    })
    expect(config).toMatchObject({ healthSeconds: 1, site: 'b', link: 'c', agentId: 'd' })
    expect(config.log).toMatchObject({ level: 'warn' })
  })

  test('drop-ins are read in the order of their names; other files are left alone', async () => {
    const folder = folderWith({
      'agent.yaml': '',
      'agent.d/20-b.yaml': 'site: later\n',
      'agent.d/10-a.yaml': 'site: earlier\nlink: kept\n',
      'agent.d/30-c.yaml.bak': 'site: backup\n',
      'agent.d/.40-d.yaml': 'site: hidden\n',
      'agent.d/README': 'not: [yaml',
    })
    const { config } = await loadAgentConfig({ ...BARE, file: join(folder, 'agent.yaml') })
    expect(config).toMatchObject({ site: 'later', link: 'kept' })
  })

  test('a list of a later layer replaces the whole list', async () => {
    const folder = folderWith({
      'agent.yaml':
        'sensors:\n  - {kind: text-folder, id: a, path: a}\n  - {kind: text-folder, id: b, path: b}\n',
      'agent.d/x.yaml': 'sensors:\n  - {kind: text-folder, id: c, path: /c}\n',
    })
    const { config } = await loadAgentConfig({ ...BARE, file: join(folder, 'agent.yaml') })
    expect(config.sensors).toEqual([
      { kind: 'text-folder', id: 'c', path: '/c', bytesPerSecond: 2000 },
    ])
  })

  test('a section whose keys are all commented out keeps its defaults', async () => {
    const { config } = await agentFrom('broker:\n  # url: x\nsensors:\nlog:\n')
    expect(config.broker.keepaliveSeconds).toBe(30)
    expect(config.sensors).toEqual([])
  })

  test.each(['', '# only a comment\n', '---\n', '\ufeffsite: home\n'])(
    'a file with no more than %j is accepted',
    async yaml => {
      expect((await agentFrom(yaml)).config.site).toBe('home')
    },
  )
})

describe('environment and flags', () => {
  test.each([
    'GAINNET_CONTROLLER__CLOCK__SLOT_MS',
    'GAINNET_CONTROLLER__CLOCK__SLOTMS',
    'GAINNET_CONTROLLER__clock__slotMs',
  ])('%s sets the nested number clock.slotMs', async name => {
    const { config } = await loadControllerConfig({
      environment: {
        ...BARE.environment,
        [name]: '250',
        GAINNET_CONTROLLER__MODELS: '[{modelId: m, evaluation: {path: /t}, hiddenSizes: [8, 4]}]',
      },
    })
    expect(config.clock.slotMs).toBe(250)
    expect(config.models[0]).toMatchObject({ modelId: 'm', hiddenSizes: [8, 4], value: 1 })
  })

  test('text stays text where the schema wants text, even if it looks like a number', async () => {
    const flags = [{ key: 'agentId', value: '007' }]
    expect((await loadAgentConfig({ ...BARE, flags })).config.agentId).toBe('007')
  })

  test.each([
    ['GAINNET_AGENT__BROKER__URI', 'did you mean GAINNET_AGENT__BROKER__URL?'],
    ['GAINNET_AGENT_BROKER_URL', 'did you mean GAINNET_AGENT__BROKER__URL?'],
    ['GAINNET_AGENT__SENSORS__0__ID', "a list is set as a whole: GAINNET_AGENT__SENSORS='[…]'"],
    ['GAINNET_AGENT__', 'see docs/reference/config.md'],
  ])('the unknown variable %s is refused: %s', async (name, hint) => {
    const error = await failureOf(loadAgentConfig({ environment: { [name]: 'x' } }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain(`env ${name}: `)
    expect(error.message).toContain(hint)
  })

  test('a variable of the other daemon is none of ours', async () => {
    const environment = { GAINNET_CONTROLLER__NONSENSE: '1', GAINNET_LOG: 'x' }
    await expect(loadAgentConfig({ environment })).resolves.toBeDefined()
  })

  test('two spellings of one variable are refused, for nobody could say which holds', async () => {
    const environment = {
      GAINNET_AGENT__HEALTH_SECONDS: '5',
      GAINNET_AGENT__HEALTHSECONDS: '6',
    }
    const error = await failureOf(loadAgentConfig({ environment }))
    expect(error.message).toContain('sets the same key as GAINNET_AGENT__HEALTHSECONDS')
  })

  test.each([
    ['GAINNET_AGENT__HEALTH_SECONDS', '0', 'healthSeconds is 0; it must be a whole number from 1'],
    ['GAINNET_AGENT__HEALTH_SECONDS', 'soon', 'healthSeconds is "soon"; it must be a whole number'],
    ['GAINNET_AGENT__HEALTH_SECONDS', '', 'healthSeconds is ""; it must be a whole number'],
    ['GAINNET_AGENT__HEALTH_SECONDS', '1.5', 'healthSeconds is 1.5; it must be a whole number'],
    ['GAINNET_AGENT__LIMITS__COMPUTING_SHARE', '1e999', 'it must be a number above 0 and up to 1'],
    ['GAINNET_AGENT__SENSORS', '[{kind', 'is missing'],
    ['GAINNET_AGENT__SENSORS', 'notes', 'sensors is "notes"; it must be a list'],
  ])('%s=%s is refused: %s', async (name, value, text) => {
    const error = await failureOf(loadAgentConfig({ environment: { [name]: value } }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain(`env ${name}: `)
    expect(error.message).toContain(text)
  })

  test.each([
    ['broker.ulr', 'unknown key broker.ulr; did you mean broker.url?'],
    ['keepaliveSeconds', 'did you mean broker.keepaliveSeconds?'],
    ['sensors[0].id', "a list is set as a whole: --set 'sensors=[…]'"],
  ])('--set %s is refused: %s', async (key, text) => {
    const error = await failureOf(loadAgentConfig({ ...BARE, flags: [{ key, value: '1' }] }))
    expect(error.message).toContain(text)
  })
})

describe('what a file may not hold', () => {
  test('an unknown key two levels deep is named with its line and its neighbour', async () => {
    const error = await failureOf(agentFrom('site: home\nbroker:\n  keepAliveSecond: 30\n'))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toBe(
      'agent.yaml:3: unknown key broker.keepAliveSecond; did you mean keepaliveSeconds?',
    )
  })

  test('an unknown key of a list entry is named with the place of the entry', async () => {
    const yaml = 'sensors:\n  - kind: text-folder\n    id: a\n    path: b\n    bytesPerSec: 5\n'
    const error = await failureOf(agentFrom(yaml))
    expect(error.message).toBe(
      'agent.yaml:5: unknown key sensors[0].bytesPerSec; did you mean bytesPerSecond?',
    )
  })

  test('a key that resembles nothing is answered with what there is', async () => {
    const error = await failureOf(agentFrom('outbox:\n  zzzz: red\n'))
    expect(error.message).toBe('agent.yaml:2: unknown key outbox.zzzz; known here: bytesMax')
  })

  test.each(['__proto__', 'constructor', 'toString'])('%s is a key like any other', async key => {
    const error = await failureOf(agentFrom(`${key}:\n  polluted: 1\n`))
    expect(error.message).toContain(`agent.yaml:1: unknown key ${key}`)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  test.each([
    ['healthSeconds: 0', 'healthSeconds is 0; it must be a whole number from 1 to 3600'],
    ['healthSeconds: .nan', 'it must be a whole number from 1 to 3600'],
    ['healthSeconds: "30"', 'healthSeconds is "30"; it must be a whole number from 1 to 3600'],
    ['healthSeconds:', 'healthSeconds is empty; it must be a whole number from 1 to 3600'],
    ['agentId: 12', 'agentId is 12 (a number: write it in quotes); it must be 1 to 64 characters'],
    ['agentId: Pi 4', 'agentId is "Pi 4"; it must be 1 to 64 characters of a-z, 0-9 and -'],
    ['broker: fast', 'broker is "fast"; it must be a section with keys'],
    [
      'log: {level: loud}',
      'log.level is "loud"; it must be one of trace, debug, info, warn, error',
    ],
    ['log: {level: [info]}', 'log.level is a list; it must be one of'],
    ['broker: {url: "http://edge"}', 'it must be mqtt://host:port or mqtts://host:port'],
    ['broker: {url: "mqtts://edge", certFile: a}', 'broker.certFile needs broker.keyFile'],
    ['broker: {url: "mqtts://edge", keyFile: a}', 'broker.keyFile needs broker.certFile'],
    ['broker: {url: "mqtt://edge", caFile: a}', 'broker.caFile has no effect without TLS'],
    ['broker: {url: edge}', 'it must be mqtt://host:port or mqtts://host:port'],
    ['measure: {linkSchedule: daily}', 'it must be a cron expression'],
    [
      'sensors: [{kind: lidar, id: x}]',
      'sensors[0].kind is "lidar"; it must be one of text-folder,',
    ],
    ['sensors: [{kind: text-folder, id: x}]', 'sensors[0].path is missing; it must be text'],
    ['labels: [{kind: file, sensor: csi, path: a}]', 'labels[0].sensor is the id of no sensor'],
    [
      'sensors: [{kind: replay, id: a, path: b}]\nlabels: [{kind: teacher, sensor: a, teacher: a}]',
      'labels[0].teacher is the sensor itself',
    ],
    ['sensors: [text-folder]', 'sensors[0] is "text-folder"; it must be a section with keys'],
    ['site: &a home\nlink: *a', 'an alias (*name) is not supported here'],
  ])('%s is refused: %s', async (yaml, text) => {
    const error = await failureOf(agentFrom(yaml))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toMatch(/^agent\.yaml:\d: /)
    expect(error.message).toContain(text)
  })

  test('two sensors of one id are refused where the second is', async () => {
    const entry = '  - {kind: text-folder, id: a, path: b}\n'
    const error = await failureOf(agentFrom(`sensors:\n${entry}${entry}`))
    expect(error.message).toBe('agent.yaml:3: sensors[1].id is the id of another sensor')
  })

  test('all problems are named at once, by layer and line', async () => {
    const error = await failureOf(
      agentFrom('healthSeconds: 0\nsit: home\nbroker: {port: 1}\nsite: A\n', {
        environment: { GAINNET_AGENT__LINK: 'B' },
        flags: [{ key: 'limits.threads', value: '0' }],
      }),
    )
    expect(error.message.split('\n').map(line => line.trim().split(': ')[0])).toEqual([
      '6 problems in the configuration of the agent:',
      'agent.yaml:1',
      'agent.yaml:2',
      'agent.yaml:3',
      'agent.yaml:4',
      'env GAINNET_AGENT__LINK',
      '--set',
    ])
  })

  test('a duplicate key is refused with the line of the second', async () => {
    const error = await failureOf(agentFrom('broker:\n  url: mqtt://a\n  url: mqtt://b\n'))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain('agent.yaml:3: this key was set before')
  })
})

describe('what is not readable', () => {
  test.each([
    ['a tab in the indentation', 'broker:\n\turl: x\n', 'agent.yaml:2: a tab in the indentation'],
    ['an open bracket', 'sensors: [1\n', 'agent.yaml:2: the indentation does not fit'],
    ['an open quote', 'site: "home\n', 'a closing quote'],
    ['two documents', 'site: a\n---\nsite: b\n', 'agent.yaml:2: a second document'],
    ['a list', '- site\n', 'agent.yaml:1: the file must hold keys with values'],
    ['a word', 'home\n', 'agent.yaml:1: the file must hold keys with values'],
    ['a tag', 'site: !secret x\n', 'agent.yaml:1: a tag'],
    ['a NUL byte', 'site: a\0b\n', 'agent.yaml is not text in UTF-8'],
  ])('%s is refused with its place', async (_, yaml, text) => {
    const error = await failureOf(agentFrom(yaml))
    expect(error.code).toBe('CONFIG_UNREADABLE')
    expect(error.message).toContain(text)
  })

  test('binary rubbish is refused as what it is', async () => {
    const rubbish = Uint8Array.from({ length: 4096 }, (_, index) => (index * 151 + 200) % 256)
    const error = await failureOf(agentFrom(rubbish))
    expect(error.code).toBe('CONFIG_UNREADABLE')
    expect(error.message).toBe('agent.yaml is not text in UTF-8')
  })

  test('a file that is not there is said so, and no missing key is complained of', async () => {
    const error = await failureOf(loadControllerConfig({ ...BARE, file: '/nowhere/c.yaml' }))
    expect(error.code).toBe('CONFIG_UNREADABLE')
    expect(error.message).toBe('c.yaml does not exist')
  })

  test('a folder in place of the file is said so', async () => {
    const folder = folderWith({ 'agent.yaml/x': '' })
    const error = await failureOf(loadAgentConfig({ file: join(folder, 'agent.yaml') }))
    expect(error.message).toBe('agent.yaml is a folder, not a file')
  })

  test('a file of more than a megabyte is no configuration', async () => {
    const error = await failureOf(agentFrom('#'.repeat(2 ** 20 + 1)))
    expect(error.message).toContain('more than any configuration')
  })

  test('a broken drop-in is named, not the file beside it', async () => {
    const folder = folderWith({ 'agent.yaml': '', 'agent.d/z.yaml': 'a: [\n' })
    const error = await failureOf(loadAgentConfig({ file: join(folder, 'agent.yaml') }))
    expect(error.code).toBe('CONFIG_UNREADABLE')
    expect(error.message).toContain('drop-in z.yaml:')
  })
})

describe('the controller', () => {
  const models = 'models: [{modelId: m, evaluation: {path: t}}]\n'

  async function controllerFrom(yaml: string) {
    const folder = folderWith({ 'controller.yaml': yaml })
    return loadControllerConfig({ ...BARE, file: join(folder, 'controller.yaml') })
  }

  test('needs at least one model', async () => {
    expect((await failureOf(controllerFrom('site: home\n'))).message).toBe(
      'controller.yaml: models is missing; it must be a list of 1 to 64 entries',
    )
    expect((await failureOf(controllerFrom('models: []\n'))).message).toBe(
      'controller.yaml:1: models is a list; it must be a list of 1 to 64 entries',
    )
  })

  test('needs a url for an external broker, and takes none for its own', async () => {
    const external = await failureOf(controllerFrom(`${models}broker: {mode: external}\n`))
    expect(external.message).toContain('broker.url is missing: broker.mode external needs')
    const embedded = await failureOf(controllerFrom(`${models}broker: {url: "mqtt://a"}\n`))
    expect(embedded.message).toContain('broker.url has no effect with broker.mode embedded')
  })

  test('takes no two models of one id', async () => {
    const model = '  - {modelId: m, evaluation: {path: t}}\n'
    const error = await failureOf(controllerFrom(`models:\n${model}${model}`))
    expect(error.message).toBe(
      'controller.yaml:3: models[1].modelId is the modelId of another model',
    )
  })
})
