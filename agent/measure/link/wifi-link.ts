import { readTool } from './asked-tool.ts'

/** How a Wi-Fi interface is connected to its access point. */
export interface WifiLink {
  readonly interfaceName: string
  readonly rssiDbm?: number
  /** Of the radio, with all that is not payload. */
  readonly sendBitsPerSecond?: number
  readonly receiveBitsPerSecond?: number
}

/**
 * By iw(8): the bit rate is told by nl80211 alone, and not in sysfs. Undefined where iw is not
 * installed, the interface is no Wi-Fi, or it is not connected.
 */
export async function readWifiLink(interfaceName: string): Promise<WifiLink | undefined> {
  const text = await readTool('iw', ['dev', interfaceName, 'link'])
  return text === undefined ? undefined : parseWifiLink(interfaceName, text)
}

/**
 *     Connected to 00:11:22:33:44:55 (on wlan0)
 *             signal: -52 dBm
 *             rx bitrate: 65.0 MBit/s MCS 7
 *             tx bitrate: 72.2 MBit/s MCS 7 short GI
 */
export function parseWifiLink(interfaceName: string, text: string): WifiLink | undefined {
  if (!/^Connected to /m.test(text)) return undefined
  const rateOf = (way: 'rx' | 'tx'): number | undefined => {
    const megabits = Number(
      new RegExp(`^\\s*${way} bitrate: ([\\d.]+) MBit/s`, 'm').exec(text)?.[1],
    )
    return megabits > 0 ? megabits * 1e6 : undefined
  }
  const rssiDbm = Number(/^\s*signal: (-\d+) dBm/m.exec(text)?.[1])
  const [sendBitsPerSecond, receiveBitsPerSecond] = [rateOf('tx'), rateOf('rx')]
  return {
    interfaceName,
    ...(Number.isNaN(rssiDbm) ? {} : { rssiDbm }),
    ...(sendBitsPerSecond === undefined ? {} : { sendBitsPerSecond }),
    ...(receiveBitsPerSecond === undefined ? {} : { receiveBitsPerSecond }),
  }
}
