/** What a Wi-Fi radio has counted on one channel since its driver was started. */
export interface ChannelCounts {
  readonly frequencyHz: number
  readonly isInUse: boolean
  /** Time on the channel, and the part of it in which something was on the air, its own included. */
  readonly activeMs: number
  readonly busyMs: number
  readonly noiseDbm?: number
}

/**
 * The answer of `iw dev <interface> survey dump` (iw 5.9, survey.c), a part a channel:
 *
 *     Survey data from wlan0
 *             frequency:                      5180 MHz [in use]
 *             noise:                          -95 dBm
 *             channel active time:            25071 ms
 *             channel busy time:              4120 ms
 *
 * A channel whose times the driver does not count is left out.
 */
export function parseChannelSurvey(text: string): readonly ChannelCounts[] {
  return text.split(/^Survey data from .*$/m).flatMap(part => {
    const figure = (name: string): number | undefined => {
      const found = new RegExp(`^\\s*${name}:\\s+(-?\\d+)`, 'm').exec(part)?.[1]
      return found === undefined ? undefined : Number(found)
    }
    const megahertz = figure('frequency')
    const activeMs = figure('channel active time')
    const busyMs = figure('channel busy time')
    const noiseDbm = figure('noise')
    if (megahertz === undefined || activeMs === undefined || busyMs === undefined) return []
    if (activeMs < 0 || busyMs < 0 || busyMs > activeMs) return []
    return [
      {
        frequencyHz: megahertz * 1e6,
        isInUse: /^\s*frequency:.*\[in use\]/m.test(part),
        activeMs,
        busyMs,
        ...(noiseDbm === undefined ? {} : { noiseDbm }),
      },
    ]
  })
}
