import type { Lab } from './lab.ts'

export interface PingFigures {
  readonly lossShare: number
  /** Undefined where nothing came back. */
  readonly rttMs: { readonly min: number; readonly mean: number } | undefined
}

/** Round trips as the kernel sees them. */
export async function ping(
  lab: Lab,
  o: {
    readonly from: string
    readonly address: string
    readonly count: number
    readonly intervalMs?: number
  },
): Promise<PingFigures> {
  const { from, address, count, intervalMs = 20 } = o
  const pace = ['-i', `${intervalMs / 1000}`, '-W', '1']
  // It ends with 1 where no answer came at all, which is a figure, too.
  const script = `ping -q -n -c ${count} ${pace.join(' ')} ${address} || [ $? = 1 ]`
  const text = await lab.run(from, 'sh', ['-c', script])
  const [, lossPercent] = /([\d.]+)% packet loss/.exec(text) ?? []
  const [, min, mean] = /= ([\d.]+)\/([\d.]+)\//.exec(text) ?? []
  return {
    lossShare: Number(lossPercent) / 100,
    rttMs: min === undefined ? undefined : { min: Number(min), mean: Number(mean) },
  }
}
