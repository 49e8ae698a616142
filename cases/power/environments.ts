import type { ChannelRows } from '../../controller/power/channel-gains.ts'
import type { Random } from '../../runtime/seeded-random.ts'

export const CHANNELS = 20

/** What the paper leaves open (Du et al. 2024, section V): the total power and the noise of a channel. */
export interface PowerSetting {
  readonly budget: number
  readonly noise: number
}

/** T1: gains 5 to 8 on the first ten channels and 3 to 6 on the others. T2: rain, 1 to 7 on all. */
export type EnvironmentName = 't1' | 't2'

/** So many draws of an environment; gains are even in their range, of which the paper says nothing. */
export function drawChannels(
  environment: EnvironmentName,
  count: number,
  { budget, noise }: PowerSetting,
  random: Random,
): ChannelRows {
  const gains = Float64Array.from({ length: count * CHANNELS }, (_, place) => {
    const [from, to] = rangeOf(environment, place % CHANNELS)
    return (from + (to - from) * random()) / noise
  })
  return { gains, channels: CHANNELS, budget }
}

function rangeOf(environment: EnvironmentName, channel: number): readonly [number, number] {
  if (environment === 't2') return [1, 7]
  return channel < CHANNELS / 2 ? [5, 8] : [3, 6]
}
