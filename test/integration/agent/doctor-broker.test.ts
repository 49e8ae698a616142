import { describe, expect, test } from 'vitest'
import { brokerCheck } from '../../../agent/doctor/broker-check.ts'
import { AgentConfig } from '../../../config/agent-schema.ts'
import { freePort } from '../../../demo/free-port.ts'
import { startEmbedded, startMosquitto } from '../../support/brokers.ts'
import { testAuthority } from '../../support/certificates.ts'
import { findCommand } from '../../support/commands.ts'
import { contextOf } from '../../unit/doctor/machine-tree.ts'

const USER = { username: 'pi-04', password: 'a password of a test' }
const canTls = findCommand('mosquitto') !== undefined && findCommand('openssl') !== undefined

/** Outcomes of the steps that were taken, and the last one. */
async function stepsTo(broker: object, nowMs = Date.now()) {
  const config = AgentConfig.parse({ agentId: 'pi-04', stateDirectory: '/tmp', broker })
  const findings = await brokerCheck.run(contextOf({ config, nowMs }))
  return { outcomes: findings.map(({ outcome }) => outcome), last: findings.at(-1) }
}

describe('the doctor goes to the broker step by step and', () => {
  test('gets in with the right password', async () => {
    const { url } = await startEmbedded({ users: [USER] })
    const { outcomes, last } = await stepsTo({ url, password: USER.password })
    expect(outcomes).toEqual(['ok', 'ok', 'ok'])
    expect(last?.text).toBe('the broker lets pi-04 in')
  })

  test('says how to make a password where the broker refuses', async () => {
    const { url } = await startEmbedded({ users: [USER] })
    const { outcomes, last } = await stepsTo({ url, password: 'another' })
    expect(outcomes).toEqual(['ok', 'ok', 'fault'])
    expect(last?.remedy).toContain('gainnet controller credential pi-04')
  })

  test('names the port on which nobody listens', async () => {
    const port = await freePort()
    const { outcomes, last } = await stepsTo({ url: `mqtt://127.0.0.1:${port}` })
    expect(outcomes).toEqual(['ok', 'fault'])
    expect(last?.text).toContain(`port ${port} of 127.0.0.1 (ECONNREFUSED)`)
  })

  test('names the host that has no address', async () => {
    const { outcomes, last } = await stepsTo({ url: 'mqtt://controller.invalid:1883' })
    expect(outcomes).toEqual(['fault'])
    expect(last?.text).toContain('controller.invalid')
  })

  test.skipIf(!canTls)('reads the certificate, and warns before it expires', async () => {
    const { caFile, issue } = testAuthority()
    const { url } = await startMosquitto({ users: [USER], tls: issue('localhost', { days: 90 }) })
    const access = { url, password: USER.password }
    expect(await stepsTo({ ...access, caFile })).toMatchObject({
      outcomes: ['ok', 'ok', 'ok', 'ok'],
    })
    const inTwoMonths = Date.now() + 70 * 86_400_000
    const { outcomes } = await stepsTo({ ...access, caFile }, inTwoMonths)
    expect(outcomes).toEqual(['ok', 'ok', 'warning', 'ok'])
    const { outcomes: untrusted, last } = await stepsTo(access)
    expect(untrusted).toEqual(['ok', 'ok', 'fault'])
    expect(last?.remedy).toContain('broker.caFile')
  })
})
