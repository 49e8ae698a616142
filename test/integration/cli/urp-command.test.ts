import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exitCodeOf, failureText } from '../../../cli/failure.ts'
import { buildProgram } from '../../../cli/program.ts'
import type { Urp } from '../../../protocol/urp.ts'
import { readUrpSeries } from '../../../protocol/urp-series/read-urp-series.ts'
import { entryLine, headerLine } from '../../../protocol/urp-series/series-format.ts'
import { type BrokerUser, startEmbedded } from '../../support/brokers.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { type SampleOptions, sampleEntry, sampleUrp } from '../../support/sample-urp.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startWire } from '../wire/wire-fixture.ts'
import { runCli, startCli } from './run-cli.ts'

const CONTROLLER = { username: 'controller', password: 'c', role: 'controller' } as const
const OBSERVER = { username: 'watch', password: 'w', role: 'observer' } as const
const AGENT = { username: 'pi-04', password: 'a', role: 'agent' } as const
const CUT = { slots: 5, slotMs: 600 }

function seriesFile(entries: readonly SampleOptions[]): string {
  const path = join(temporaryDirectory(), 'fleet.jsonl')
  const lines = entries.map(options => entryLine(sampleEntry(options)))
  writeFileSync(path, headerLine('home', '2026-03-01T12:00:00.000Z') + lines.join(''))
  return path
}

/** How a call that cannot succeed ends, in this process. */
async function failureOf(args: readonly string[]) {
  const error: unknown = await buildProgram()
    .parseAsync([...args], { from: 'user' })
    .then(() => expect.unreachable(`${args.join(' ')} succeeds`))
    .catch(reason => reason)
  return { exitCode: exitCodeOf(error), stderr: failureText(error) }
}

/** As what a command takes to reach the broker as this user. */
function asUser(url: string, { username, password }: BrokerUser): string[] {
  const file = join(temporaryDirectory(), 'password')
  writeFileSync(file, password, { mode: 0o600 })
  const settings = { 'broker.url': url, 'broker.username': username, 'broker.passwordFile': file }
  return Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
}

async function startSite() {
  const broker = await startEmbedded({ users: [CONTROLLER, OBSERVER, AGENT] })
  const { wire } = await startWire(broker.port, CONTROLLER)
  const announce = (crId: number) =>
    wire.publish('crClock', {}, { crId, startsAt: new Date().toISOString(), ...CUT })
  const publish = (agentId: string, crId: number) => {
    const { session: _, sequence: __, sentAt: ___, ...content } = sampleUrp({ crId, ...CUT })
    return wire.publish('urp', { agentId }, content)
  }
  const run = (): Promise<unknown> =>
    wire.publish('controllerState', {}, { controllerId: 'edge', version: '1', state: 'running' })
  return { ...broker, wire, announce, publish, run }
}

async function entriesOf(path: string) {
  const entries: { agentId: string; urp: Urp }[] = []
  const notes: string[] = []
  for await (const entry of readUrpSeries(path, { onNote: note => notes.push(note) })) {
    entries.push(entry)
  }
  return { entries, notes }
}

describe('gainnet urp show, diff and export', () => {
  test('show a file, compare two rounds of it, and print it as a table', async () => {
    const path = seriesFile([{ crId: 7 }, { crId: 8, agentId: 'b' }, { crId: 8, free: 0.25 }])
    const [page, json, diff, table] = await Promise.all([
      runCli(['urp', 'show', path, '--agent', 'b']),
      runCli(['urp', 'show', path, '--cr', '7', '--json']),
      runCli(['urp', 'diff', path]),
      runCli(['urp', 'export', path, '--per', 'unit', '--agent', 'pi-04']),
    ])
    expect(page).toMatchObject({ exitCode: 0, stderr: '' })
    expect(page.stdout).toContain('URP of b, round 8')
    expect(JSON.parse(json.stdout)).toMatchObject({ agentId: 'pi-04', crId: 7 })
    expect(diff).toMatchObject({ exitCode: 1, stderr: '' })
    expect(diff.stdout).toContain('From pi-04, round 7 to pi-04, round 8')
    expect(diff.stdout).toMatch(/computing cpu0 +50\.0 % +25\.0 % +-25\.0 pts/)
    const [head, ...rows] = table.stdout.trimEnd().split('\n')
    expect(head).toMatch(/^receivedAt,agentId,crId,/)
    // Two cores, four blocks and the memory, in two rounds.
    expect(rows).toHaveLength(14)
    const document = join(temporaryDirectory(), 'urp.json')
    writeFileSync(document, json.stdout)
    const same = await runCli(['urp', 'diff', document, path, '--rounds', '7,7'])
    expect(same).toMatchObject({ exitCode: 0, stderr: '' })
    expect(same.stdout).toContain('Nothing changed.')
  })

  test('say of a file that is not right what to do, without a stack', async () => {
    const folder = temporaryDirectory()
    const letter = join(folder, 'letter.txt')
    writeFileSync(letter, 'Dear aunt,\n')
    const calls = [
      [['urp', 'show', letter], 65, 'is no URP: no JSON'],
      [['urp', 'show', join(folder, 'none.json')], 66, 'cannot read'],
      [['urp', 'export', letter], 65, 'gainnet urp record makes one'],
      [['urp', 'diff', letter], 64, 'name a second file'],
      [['urp', 'show', seriesFile([{ crId: 7 }]), '--cr', '9'], 65, 'no URP in round 9'],
      [['urp', 'diff', seriesFile([{ crId: 7 }])], 65, 'has one round'],
      [['urp', 'replay', seriesFile([])], 65, 'holds no URP'],
    ] as const
    for (const [args, code, text] of calls) {
      const { exitCode, stderr } = await failureOf(args)
      expect(exitCode, `${args.join(' ')}: ${stderr}`).toBe(code)
      expect(stderr).toContain(text)
      expect(stderr).not.toContain('    at ')
    }
  })

  test('show the last URP of an agent, on the board with its own password', async () => {
    const { url, publish } = await startSite()
    await publish('pi-04', 12)
    const [own, nobody, foreign] = await Promise.all([
      runCli(['urp', 'show', '--set', 'agentId=pi-04', ...asUser(url, AGENT)]),
      runCli(['urp', 'show', 'pi-99', ...asUser(url, OBSERVER)]),
      runCli(['urp', 'show', 'pi-99', ...asUser(url, AGENT)]),
    ])
    expect(own).toMatchObject({ exitCode: 0, stderr: '' })
    expect(own.stdout).toContain('URP of pi-04, round 12')
    expect(nobody.exitCode).toBe(75)
    expect(nobody.stderr).toContain('pi-99 has no URP at')
    expect(foreign.exitCode).toBe(77)
    expect(foreign.stderr).toContain('--role observer')
  })
})

describe('gainnet urp record', () => {
  test('records whole rounds, not what older ones have left, and goes on in its file', async () => {
    const { url, announce, publish } = await startSite()
    await publish('dead-01', 3)
    await announce(9)
    await publish('pi-04', 10)
    const path = join(temporaryDirectory(), 'fleet.jsonl')
    const args = ['urp', 'record', path, '--rounds', '2', ...asUser(url, OBSERVER)]
    for (const first of [10, 12]) {
      const recording = startCli(args)
      const ended = once(recording, 'close')
      let output = ''
      recording.stdout.on('data', chunk => {
        output += chunk
      })
      const has = (crId: number) => async () => {
        if (recording.exitCode !== null) throw new Error(`ended:\n${output}`)
        const { entries } = await entriesOf(path).catch(() => ({ entries: [] }))
        return entries.some(({ urp }) => urp.crId === crId)
      }
      await waitFor(has(first), { what: `round ${first} is recorded`, ms: 20_000 })
      await announce(first)
      await publish('pi-05', first + 1)
      await publish('pi-04', first + 1)
      await waitFor(has(first + 1), { what: `round ${first + 1} is recorded` })
      await announce(first + 1)
      await publish('pi-04', first + 2)
      await ended
      expect(recording.exitCode).toBe(0)
      expect(output).toMatch(
        /^3 URPs of 2 agents in 2 rounds, .* 1 of rounds before were left out$/m,
      )
    }
    const { entries, notes } = await entriesOf(path)
    expect(notes).toEqual([])
    expect(entries.map(({ agentId, urp }) => `${agentId} ${urp.crId}`)).toEqual([
      'pi-04 10',
      'pi-05 11',
      'pi-04 11',
      'pi-04 12',
      'pi-05 13',
      'pi-04 13',
    ])
  })

  test('leaves whole entries when it is killed, and ends well when it is asked to', async () => {
    const { url, announce, publish } = await startSite()
    await announce(1)
    const path = join(temporaryDirectory(), 'fleet.jsonl')
    let crId = 1
    for (const signal of ['SIGKILL', 'SIGINT'] as const) {
      const recording = startCli(['urp', 'record', path, ...asUser(url, OBSERVER)])
      onTestFinished(() => void recording.kill('SIGKILL'))
      const before = (await entriesOf(path).catch(() => ({ entries: [] }))).entries.length
      const grown = async () => {
        await publish('pi-04', ++crId)
        const { entries } = await entriesOf(path).catch(() => ({ entries: [] }))
        return entries.length >= before + 20
      }
      await waitFor(grown, { what: 'twenty more entries', ms: 20_000 })
      const closed = once(recording, 'close')
      recording.kill(signal)
      await closed
      const { entries } = await entriesOf(path)
      expect(entries.length).toBeGreaterThanOrEqual(before + 20)
      if (signal === 'SIGINT') expect(recording.exitCode).toBe(0)
    }
    expect(readFileSync(path, 'utf8')).toMatch(/\n$/)
  })

  test('says what an agent, who may not read others, can do instead', async () => {
    const { url } = await startSite()
    const path = join(temporaryDirectory(), 'fleet.jsonl')
    const { exitCode, stderr } = await runCli(['urp', 'record', path, ...asUser(url, AGENT)])
    expect(exitCode).toBe(77)
    expect(stderr).toContain('gainnet controller credential <name> --role observer')
  })
})

describe('gainnet urp replay', () => {
  const SERIES = [20, 21].flatMap(crId => [
    { crId, ...CUT },
    { crId, ...CUT, agentId: 'jetson-1' },
  ])

  /** Longer than any test waits: how fast a busy machine follows the clock is nobody's matter. */
  const LONG_SERIES = Array.from({ length: 200 }, (_, index) => index >> 1).map((crId, index) => ({
    crId,
    ...CUT,
    agentId: index % 2 === 0 ? 'pi-04' : 'jetson-1',
  }))

  test('offers each recorded round for the next of the controller, and leaves nothing', async () => {
    const { url, wire, announce, run } = await startSite()
    await run()
    const heard: string[] = []
    const cleared = new Set<string>()
    await wire.on('agentBirth', {}, (_, { agentId }) => void heard.push(`born ${agentId}`))
    await wire.on(
      'urp',
      {},
      (urp, { agentId }) => {
        heard.push(`${agentId} ${urp.crId}`)
        expect(Date.parse(urp.validUntil)).toBeGreaterThan(Date.now())
      },
      { onCleared: ({ agentId }) => void cleared.add(agentId) },
    )
    const refused: string[] = []
    await wire.on('assignmentStatus', {}, ({ status, reason }, { agentId }) => {
      refused.push(`${agentId} ${status}: ${reason}`)
    })
    await announce(5)
    const path = seriesFile(LONG_SERIES)
    const replay = startCli(['urp', 'replay', path, ...asUser(url, CONTROLLER)])
    const ended = once(replay, 'close')
    let output = ''
    replay.stdout.on('data', chunk => {
      output += chunk
    })
    replay.stderr.on('data', chunk => {
      output += chunk
    })
    let [clock, looks] = [6, 0]
    const urps = () => heard.filter(line => !line.startsWith('born')).length
    const offered = (count: number) => async () => {
      if (replay.exitCode !== null) throw new Error(`ended:\n${output}`)
      // A round is some twenty looks long.
      if (looks++ % 20 === 0) await announce(clock++)
      return urps() >= count
    }
    await waitFor(offered(2), { what: 'the first round', ms: 20_000 })
    await wire.publish(
      'assignment',
      { agentId: 'replay-pi-04' },
      {
        crId: 20,
        sense: { grId: 3, modelId: 'prose', sensor: 'text', slots: [[0, 4]], samplesWanted: 1 },
        consume: null,
        reason: 'most gain',
      },
    )
    await waitFor(() => refused.length > 0, { what: 'the work is refused' })
    await waitFor(offered(4), { what: 'the second round', ms: 20_000 })
    replay.kill('SIGINT')
    await ended
    expect(output).toMatch(/^replayed \d+ URPs of 2 agents in \d+ rounds\n$/)
    expect(heard.slice(0, 6).map(line => line.replace(/ \d+$/, ' #'))).toEqual([
      'born replay-pi-04',
      'born replay-jetson-1',
      'replay-pi-04 #',
      'replay-jetson-1 #',
      'replay-pi-04 #',
      'replay-jetson-1 #',
    ])
    const [first, second, third, fourth] = heard
      .filter(line => !line.startsWith('born'))
      .map(line => Number(line.split(' ')[1]))
    // Those of one recorded round are for one round, and the next for a later one.
    expect([first, third]).toEqual([second, fourth])
    expect(third).toBeGreaterThan(first ?? Number.NaN)
    expect(refused).toEqual(['replay-pi-04 refused: a replayed agent offers and does no work'])
    expect([...cleared].sort()).toEqual(['replay-jetson-1', 'replay-pi-04'])
  })

  test('at its recorded pace needs no controller and changes no word', async () => {
    const { url, wire } = await startSite()
    const heard: Urp[] = []
    await wire.on('urp', {}, urp => void heard.push(urp))
    const path = seriesFile(SERIES)
    const { exitCode, stdout, stderr } = await runCli([
      ...['urp', 'replay', path, '--pace', 'recorded', '--speed', '10', '--prefix', 'x-'],
      ...asUser(url, CONTROLLER),
    ])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toBe('replayed 4 URPs of 2 agents in 2 rounds\n')
    const { entries } = await entriesOf(path)
    expect(heard.map(withoutEnvelope)).toEqual(entries.map(({ urp }) => withoutEnvelope(urp)))
  })

  test('refuses a site at work, another cut, and a user who is not passed on', async () => {
    const { url, wire, announce, run } = await startSite()
    await run()
    await announce(5)
    const other = seriesFile([{ crId: 7, slots: 10, slotMs: 600 }])
    const call = (path: string, user: BrokerUser, ...more: string[]) =>
      runCli(['urp', 'replay', path, ...asUser(url, user), ...more])
    const cut = call(other, CONTROLLER)
    const dropped = call(seriesFile(SERIES), OBSERVER, '--pace', 'recorded')
    const isCutEnded = cut.then(() => true)
    let clock = 6
    await waitFor(
      async () => {
        await announce(clock++)
        return Promise.race([isCutEnded, new Promise(resolve => setTimeout(resolve, 50))])
      },
      { what: 'the other cut is refused', ms: 20_000 },
    )
    expect(await cut).toMatchObject({ exitCode: 64 })
    expect((await cut).stderr).toContain(
      'was recorded with 10 slots of 600 ms, the controller has 5',
    )
    expect(await dropped).toMatchObject({ exitCode: 77 })
    expect((await dropped).stderr).toContain('needs the user of the controller')
    await wire.publish('agentState', { agentId: 'pi-04' }, { state: 'busy' })
    const live = await call(seriesFile(SERIES), CONTROLLER)
    expect(live.exitCode).toBe(73)
    expect(live.stderr).toContain('has live agents: pi-04')
    expect(live.stderr).toContain('--force')
  })

  test('with nobody to keep the time says so', async () => {
    const { url } = await startSite()
    const args = ['urp', 'replay', seriesFile(SERIES), ...asUser(url, CONTROLLER)]
    const { exitCode, stderr } = await runCli(args)
    expect(exitCode).toBe(75)
    expect(stderr).toContain('--pace recorded needs none')
  })
})

function withoutEnvelope({ session: _, sequence: __, sentAt: ___, ...content }: Urp) {
  return content
}
