import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'

/** What is used of a line of the Irish 5G traces (Raca et al. 2020): a value a second. */
const Line = z.object({
  app: z.string(),
  mobility: z.string(),
  snr: z.array(z.number().nullable()).optional(),
})

/** Seconds of a communication round, each of which is a channel: power is shared out over them. */
export const CHANNELS = 20

export type Mobility = 'Static' | 'Driving'

/**
 * Rounds of twenty seconds of each trace whose load fills the link, as gains of their seconds: the
 * signal to noise ratio that the telephone reported. A round in which it once told none is left out.
 */
export function readSnrRounds(
  file: string,
  mobility: Mobility,
): readonly (readonly Float64Array[])[] {
  const text = String(gunzipSync(readFileSync(file)))
  return text.split('\n').flatMap(line => {
    if (line.trim() === '') return []
    const { success, data } = Line.safeParse(JSON.parse(line))
    if (!success || data.app !== 'Download' || data.mobility !== mobility) return []
    const rounds = roundsOf(data.snr ?? [])
    return rounds.length > 0 ? [rounds] : []
  })
}

function roundsOf(decibels: readonly (number | null)[]): readonly Float64Array[] {
  const rounds: Float64Array[] = []
  for (let from = 0; from + CHANNELS <= decibels.length; from += CHANNELS) {
    const round = decibels.slice(from, from + CHANNELS).filter(one => one !== null)
    if (round.length === CHANNELS) rounds.push(Float64Array.from(round, one => 10 ** (one / 10)))
  }
  return rounds
}
