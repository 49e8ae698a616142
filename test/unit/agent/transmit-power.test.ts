import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  applyUplinkPower,
  parseChannelLimit,
  parseRadioState,
} from '../../../agent/radio/transmit-power.ts'
import type { UplinkPower } from '../../../protocol/uplink-power.ts'

/** As iw 5.19 of Debian 12 writes it on a Raspberry Pi 4. */
const RECORDED_INFO = `Interface wlan0
	ifindex 3
	wdev 0x1
	addr dc:a6:32:11:22:33
	ssid home
	type managed
	wiphy 0
	channel 36 (5180 MHz), width: 80 MHz, center1: 5210 MHz
	txpower 20.00 dBm
`
const RECORDED_PHY = `Wiphy phy0
	Band 2:
		Frequencies:
			* 5180 MHz [36] (23.0 dBm)
			* 5190 MHz [38] (disabled)
			* 5200.0 MHz [40] (20.0 dBm) (no IR, radar detection)
`

const advice: UplinkPower = {
  method: 'even',
  reason: '',
  shares: [1],
  snrDb: 10,
  changeDb: 6,
}

describe('what iw tells', () => {
  test('is the radio, its channel and its power', () => {
    expect(parseRadioState(RECORDED_INFO)).toEqual({
      phy: 'phy0',
      frequencyMhz: 5180,
      powerDbm: 20,
    })
    expect(parseRadioState(RECORDED_INFO.replace(/.*txpower.*\n/, ''))).toBeNull()
    expect(parseRadioState('')).toBeNull()
  })

  test('is what the regulator allows on a channel, and where nothing may be sent', () => {
    expect(parseChannelLimit(RECORDED_PHY, 5180)).toBe(23)
    expect(parseChannelLimit(RECORDED_PHY, 5200)).toBe(20)
    expect(parseChannelLimit(RECORDED_PHY, 5190)).toBeNull()
    expect(parseChannelLimit(RECORDED_PHY, 5170)).toBeNull()
  })
})

describe('advice on the uplink', () => {
  let folder: string
  let iw: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'iw-'))
    iw = join(folder, 'iw')
    // Answers like the recorded radio and writes down what it is told.
    const script = `#!/bin/sh
echo "$*" >> ${folder}/calls
case "$1 $3" in
"dev info") cat ${folder}/info ;;
"phy info") cat ${folder}/phy ;;
esac
`
    writeFileSync(iw, script)
    chmodSync(iw, 0o755)
    writeFileSync(join(folder, 'info'), RECORDED_INFO)
    writeFileSync(join(folder, 'phy'), RECORDED_PHY)
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
  const wlan = { interfaceName: 'wlan0', mayApply: true }

  test('raises the power no further than the regulator allows', async () => {
    expect((await applyUplinkPower(advice, { ...wlan, iw })).status).toBe('applied')
    expect(calls()).toContain('dev wlan0 set txpower limited 2300')
  })

  test('lowers it, but not below 1 mW', async () => {
    await applyUplinkPower({ ...advice, changeDb: -30 }, { ...wlan, iw })
    expect(calls()).toContain('dev wlan0 set txpower limited 0')
  })

  test('leaves alone what is as it should be', async () => {
    const use = await applyUplinkPower({ ...advice, changeDb: 0.4 }, { ...wlan, iw })
    expect(use).toEqual({ status: 'applied', powerDbm: 20 })
    expect(calls().some(call => call.includes('set'))).toBe(false)
  })

  test('stays advice where nothing may be sent, or the operator wants it so', async () => {
    writeFileSync(join(folder, 'info'), RECORDED_INFO.replace('5180 MHz', '5190 MHz'))
    expect(await applyUplinkPower(advice, { ...wlan, iw })).toEqual({
      status: 'advice',
      reason: 'nothing may be sent on 5190 MHz',
    })
    const use = await applyUplinkPower(advice, { ...wlan, mayApply: false, iw })
    expect(use.status).toBe('advice')
  })

  test('stays advice on an interface without a radio, and where there is no iw', async () => {
    const missing = await applyUplinkPower(advice, { ...wlan, iw: join(folder, 'no-iw') })
    expect(missing).toMatchObject({ status: 'advice', reason: expect.stringContaining('ENOENT') })
    // Whatever iw this machine has, the loopback is no radio.
    const wired = await applyUplinkPower(advice, { interfaceName: 'lo', mayApply: true })
    expect(wired.status).toBe('advice')
    const unknown = await applyUplinkPower(advice, { interfaceName: undefined, mayApply: true })
    expect(unknown.status).toBe('advice')
  })
})
