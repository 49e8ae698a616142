import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openBrokerSession } from '../../../agent/broker-session.ts'
import { loadAgentConfig } from '../../../config/load-config.ts'
import type { TlsFiles } from '../../../protocol/broker-tls.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { seededRandom } from '../../../runtime/seeded-random.ts'
import { startMosquitto } from '../../support/brokers.ts'
import { testAuthority } from '../../support/certificates.ts'
import { findCommand } from '../../support/commands.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'
import { waitFor } from '../../support/wait-for.ts'
import { BARE, folderWith } from '../../unit/config/config-files.ts'
import { AGENT, connected, startConnection, USERS } from './wire-fixture.ts'

const canRun = findCommand('mosquitto') !== undefined && findCommand('openssl') !== undefined
const HOST = 'localhost'

describe.skipIf(!canRun)('a broker with TLS (needs mosquitto and openssl)', () => {
  /** A connection to a broker with this certificate. */
  async function startBoth(
    tls: NonNullable<Parameters<typeof startMosquitto>[0]['tls']>,
    files: TlsFiles | undefined,
    scheme = 'mqtts',
  ) {
    const { port } = await startMosquitto({ users: USERS, tls })
    return startConnection(port, AGENT, { url: `${scheme}://${HOST}:${port}`, tls: files })
  }

  /** What the log says of why there is no connection. */
  function reasonIn({ lines }: Pick<ReturnType<typeof startConnection>, 'lines'>) {
    return waitFor(() => lines.find(({ msg }) => msg === 'no connection to broker')?.reason, {
      what: 'it says why it is not connected',
    })
  }

  test('is connected to with the certificate of its CA', async () => {
    const { caFile, issue } = testAuthority()
    const { connection } = await startBoth(issue(HOST), { caFile })
    await connected(connection)
    await connection.publish('gainnet/v1/home/agent/pi-04/state', Buffer.from('{}'), {
      qos: 1,
      retain: false,
    })
  })

  test('that wants a certificate of its clients gets ours', async () => {
    const { caFile, issue } = testAuthority()
    const tls = { ...issue(HOST), clientCaFile: caFile }
    const { connection } = await startBoth(tls, { caFile, ...issue('pi-04') })
    await connected(connection)
  })

  test('is connected to as soon as the right CA is put in place', async () => {
    const authority = testAuthority()
    const caFile = join(temporaryDirectory(), 'ca.crt')
    copyFileSync(testAuthority('another CA').caFile, caFile)
    const side = await startBoth(authority.issue(HOST), { caFile })
    expect(await reasonIn(side)).toContain('set broker.caFile')
    copyFileSync(authority.caFile, caFile)
    await connected(side.connection)
  })

  test('is connected to by daemons whose configuration names the files', async () => {
    const { caFile, issue } = testAuthority()
    const tls = { ...issue(HOST), clientCaFile: caFile }
    const { url } = await startMosquitto({ users: USERS, tls })
    const { certFile, keyFile } = issue('a-board')
    const { username: agentId, password } = AGENT
    const folder = folderWith({})
    const files = { 'ca.crt': caFile, 'own.crt': certFile, 'own.key': keyFile }
    for (const [name, file] of Object.entries(files)) copyFileSync(file, join(folder, name))
    const named = { caFile: 'ca.crt', certFile: 'own.crt', keyFile: 'own.key' }
    const yaml = JSON.stringify({ agentId, broker: { url, password, ...named } })
    writeFileSync(join(folder, 'agent.yaml'), yaml)
    const { config } = await loadAgentConfig({ ...BARE, file: join(folder, 'agent.yaml') })
    const { log } = testLog()
    const random = seededRandom(1)
    const wire = openBrokerSession({ config, session: 1, clock: systemClock, random, log })
    onTestFinished(() => wire.connection.stop())
    wire.connection.start()
    await connected(wire.connection)
  })

  test('of a CA that nobody here knows is not connected to', async () => {
    const side = await startBoth(testAuthority().issue(HOST), undefined)
    const reason = await reasonIn(side)
    expect(reason).toContain('set broker.caFile to the certificate of its CA')
    expect(side.connection.trouble).toBe(reason)
  })

  test('whose certificate has expired is not connected to', async () => {
    const { caFile, issue } = testAuthority()
    const expired = issue(HOST, { days: -1 })
    const reason = await reasonIn(await startBoth(expired, { caFile }))
    expect(reason).toContain('has expired: renew it, or correct the clock of this machine')
  })

  test('whose certificate is for another host is not connected to', async () => {
    const { caFile, issue } = testAuthority()
    const reason = await reasonIn(await startBoth(issue('elsewhere'), { caFile }))
    expect(reason).toContain('is for another host')
    expect(reason).toContain('elsewhere')
    expect(reason).toContain('Use one of its names in broker.url')
  })

  test('that wants a certificate and gets none says so', async () => {
    const { caFile, issue } = testAuthority()
    const tls = { ...issue(HOST), clientCaFile: caFile }
    const reason = await reasonIn(await startBoth(tls, { caFile }))
    expect(reason).toContain('set broker.certFile and broker.keyFile')
  })

  test('is not looked for where there is none', async () => {
    const { port } = await startMosquitto({ users: USERS })
    const url = `mqtts://${HOST}:${port}`
    const reason = await reasonIn(startConnection(port, AGENT, { url }))
    expect(reason).toContain('if this port is without TLS, use mqtt://')
  })

  test('is not mistaken for one without', async () => {
    const { issue } = testAuthority()
    const reason = await reasonIn(await startBoth(issue(HOST), undefined, 'mqtt'))
    expect(reason).toContain('if this port is with TLS, use mqtts://')
  })

  test('and files that cannot be used are named, and read again later', async () => {
    const authority = testAuthority()
    const caFile = join(temporaryDirectory(), 'ca.crt')
    const side = await startBoth(authority.issue(HOST), { caFile })
    expect(await reasonIn(side)).toBe(`broker.caFile: ${caFile} cannot be read (ENOENT)`)
    writeFileSync(caFile, 'rubbish')
    copyFileSync(authority.caFile, caFile)
    await connected(side.connection)
    const { certFile, keyFile } = authority.issue('pi-04')
    const other = await startBoth(authority.issue(HOST), { caFile, certFile: keyFile, keyFile })
    expect(await reasonIn(other)).toContain(`broker.certFile ${keyFile}`)
    expect(certFile).not.toBe(keyFile)
  })
})
