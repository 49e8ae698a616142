import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { UplinkPower, UplinkPowerUse } from '../../protocol/uplink-power.ts'
import { messageOf } from '../../runtime/errors.ts'

const run = promisify(execFile)

const IW_MS_MAX = 2000
/** What is left alone: radios round to half a decibel or one. */
const CHANGE_MIN_DB = 1

/** How a Wi-Fi radio stands. */
export interface RadioState {
  readonly phy: string
  readonly frequencyMhz: number
  readonly powerDbm: number
}

/**
 * Changes the power of the radio that the uplink goes through, within what its regulator allows on the
 * channel, or says why it stays advice. Wi-Fi has one power for all its blocks: of the shares nothing
 * can be told to it.
 */
export async function applyUplinkPower(
  advice: UplinkPower,
  o: {
    readonly interfaceName: string | undefined
    /** False where the operator wants advice only. */
    readonly mayApply: boolean
    readonly iw?: string
  },
): Promise<UplinkPowerUse> {
  const { interfaceName, mayApply, iw = 'iw' } = o
  if (!mayApply) return adviceOnly('transmitPower is advice in the configuration')
  if (interfaceName === undefined) return adviceOnly('the interface of the uplink is not known')
  const ask = async (...words: readonly string[]): Promise<string> => {
    const { stdout } = await run(iw, [...words], { timeout: IW_MS_MAX })
    return stdout
  }
  try {
    const state = parseRadioState(await ask('dev', interfaceName, 'info'))
    if (state === null) return adviceOnly(`${interfaceName} tells no transmit power`)
    const mostDbm = parseChannelLimit(await ask('phy', state.phy, 'info'), state.frequencyMhz)
    if (mostDbm === null) return adviceOnly(`nothing may be sent on ${state.frequencyMhz} MHz`)
    const powerDbm = Math.max(0, Math.min(mostDbm, state.powerDbm + advice.changeDb))
    if (Math.abs(powerDbm - state.powerDbm) < CHANGE_MIN_DB) {
      return { status: 'applied', powerDbm: state.powerDbm }
    }
    await ask('dev', interfaceName, 'set', 'txpower', 'limited', String(Math.round(100 * powerDbm)))
    const now = parseRadioState(await ask('dev', interfaceName, 'info'))
    return { status: 'applied', powerDbm: now?.powerDbm ?? powerDbm }
  } catch (error) {
    return adviceOnly(messageOf(error))
  }
}

function adviceOnly(reason: string): UplinkPowerUse {
  return { status: 'advice', reason: reason.slice(0, 200) }
}

/** `iw dev <name> info` (iw 5.9 and 6.7); null where it has no channel or no power. */
export function parseRadioState(text: string): RadioState | null {
  const phy = /^\s*wiphy (\d+)$/m.exec(text)?.[1]
  const frequency = /^\s*channel \d+ \((\d+) MHz\)/m.exec(text)?.[1]
  const power = /^\s*txpower (\d+(?:\.\d+)?) dBm$/m.exec(text)?.[1]
  if (phy === undefined || frequency === undefined || power === undefined) return null
  return { phy: `phy${phy}`, frequencyMhz: Number(frequency), powerDbm: Number(power) }
}

/** The most on a channel in dBm, of `iw phy <phy> info`; null where it is disabled or not there. */
export function parseChannelLimit(text: string, frequencyMhz: number): number | null {
  const line = new RegExp(
    `^\\s*\\* ${frequencyMhz}(?:\\.\\d+)? MHz \\[\\d+\\] \\((\\d+(?:\\.\\d+)?) dBm\\)`,
    'm',
  )
  const most = line.exec(text)?.[1]
  return most === undefined ? null : Number(most)
}
