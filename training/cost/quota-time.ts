/** What a control group lets its processes have (kernel, scheduler/sched-bwc). */
export interface CpuQuota {
  /** Quota over period, in cores; above 1 a single thread does not notice it. */
  readonly cores: number
  /** In which the quota is given anew: 100 ms where nobody set another. */
  readonly periodSeconds?: number
}

export interface WallTime {
  /** In the long run, or averaged over where in its period the work begins. */
  readonly meanSeconds: number
  /** Begun with a whole quota at hand, and begun when it has just been used up. */
  readonly lowSeconds: number
  readonly highSeconds: number
}

const PERIOD_SECONDS = 0.1

/**
 * Wall time of one thread's CPU time under a quota. The thread runs until the quota of the period is
 * used up and is stopped until the next one begins: work of less than a quota may pass at full speed
 * or wait for almost a period.
 */
export function wallTimeUnder(
  cpuSeconds: number,
  { cores, periodSeconds = PERIOD_SECONDS }: CpuQuota,
): WallTime {
  if (cores >= 1) {
    return { meanSeconds: cpuSeconds, lowSeconds: cpuSeconds, highSeconds: cpuSeconds }
  }
  const quotaSeconds = cores * periodSeconds
  const pauseSeconds = periodSeconds - quotaSeconds
  const pauses = Math.max(0, Math.ceil(cpuSeconds / quotaSeconds - 1e-9) - 1)
  const lowSeconds = cpuSeconds + pauses * pauseSeconds
  return {
    meanSeconds: cpuSeconds / cores,
    lowSeconds,
    highSeconds: lowSeconds + pauseSeconds,
  }
}
