import type { Conditions } from '../probe.ts'

/** A core that runs slower than this share of what it ran at in another run. */
const FREQUENCY_SHARE_MIN = 0.9

/**
 * What must have disturbed a run, by what the board said of itself before and after it. The governor
 * raises the clock of a core during the first run, so the frequency counts only after a run.
 */
export function runFlags(o: {
  readonly before: Conditions
  readonly after: Conditions
  /** The highest that was seen after a run. */
  readonly frequencyHzBest: number
}): readonly string[] {
  const { before, after, frequencyHzBest } = o
  const { frequencyHz = frequencyHzBest } = after
  return [
    ...(before.underVoltage || after.underVoltage ? ['supply too low'] : []),
    ...(before.throttled || after.throttled ? ['board was throttled'] : []),
    ...(frequencyHz < FREQUENCY_SHARE_MIN * frequencyHzBest ? ['clock of the core fell'] : []),
  ]
}

/** Hotter, slower and throttled in any: a figure must not look better than it was taken. */
export function worstOf(conditions: readonly Conditions[]): Conditions {
  const temperatures = conditions.flatMap(({ temperatureCelsius }) => temperatureCelsius ?? [])
  const frequencies = conditions.flatMap(({ frequencyHz }) => frequencyHz ?? [])
  const throttled = conditions.flatMap(one => one.throttled ?? [])
  const underVoltage = conditions.flatMap(one => one.underVoltage ?? [])
  return {
    ...(temperatures.length > 0 ? { temperatureCelsius: Math.max(...temperatures) } : {}),
    ...(frequencies.length > 0 ? { frequencyHz: Math.min(...frequencies) } : {}),
    ...(throttled.length > 0 ? { throttled: throttled.includes(true) } : {}),
    ...(underVoltage.length > 0 ? { underVoltage: underVoltage.includes(true) } : {}),
  }
}
