/**
 * Signal level of each Wi-Fi interface in dBm, null where the driver writes another unit, from
 * /proc/net/wireless (kernel, net/wireless/wext-proc.c). Lines are
 *
 *     wlan0: 0000   58.  -52.  -256        0      0      0      0      0        0
 *            status link level noise       discarded packets …
 *
 * A level in dBm is written 256 lower than its byte, thus negative; a level from 0 on is relative to
 * a maximum that only the driver knows; -256 is a level that was never set.
 */
export function parseWireless(text: string): Map<string, number | null> {
  const DBM_MIN = -120
  const levels = new Map<string, number | null>()
  const lines = text.matchAll(/^\s*([^\s:|]+):\s+[0-9a-f]{4}\s+-?\d+\.?\s+(-?\d+)\.?\s/gm)
  for (const [, name, level] of lines) {
    if (name === undefined || level === undefined) continue
    const dbm = Number(level)
    levels.set(name, dbm < 0 && dbm >= DBM_MIN ? dbm : null)
  }
  return levels
}
