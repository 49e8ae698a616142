import { quantile } from 'simple-statistics'
import type { LinkFigures, Quantity } from '../../protocol/urp.ts'
import { LINK_METHOD, type LinkValues } from './link-probe.ts'

interface Measured {
  readonly value: number
  readonly bytesSpent: number
}

/**
 * Bytes of one clock exchange on the wire: two JSON bodies of about 120 bytes, two topics of about
 * 50. Known only to the order, and stated because measuring is never free.
 */
const EXCHANGE_BYTES = 340

/** Past measurements of one link, the oldest dropped beyond `measurementsMax`. */
export class LinkSeries {
  readonly #measurementsMax: number
  readonly #measurements: LinkValues[] = []
  #measuredAt = ''

  constructor({ measurementsMax = 24 }: { readonly measurementsMax?: number } = {}) {
    this.#measurementsMax = measurementsMax
  }

  add(values: LinkValues, measuredAt: string): void {
    this.#measurements.push(values)
    if (this.#measurements.length > this.#measurementsMax) this.#measurements.shift()
    this.#measuredAt = measuredAt
  }

  /** For the URP; undefined before the first measurement. */
  figures(link: string): LinkFigures | undefined {
    if (this.#measurements.length === 0) return undefined
    const goodput = (direction: 'downlink' | 'uplink'): Quantity =>
      this.#quantity(
        this.#measurements.map(({ [direction]: { bitsPerSecond, bytesSpent } }) => ({
          value: bitsPerSecond,
          bytesSpent,
        })),
        LINK_METHOD,
      )
    const rtts = this.#measurements.flatMap(({ rttsMs }) => rttsMs)
    const exchanges = rtts.map(value => ({ value, bytesSpent: EXCHANGE_BYTES }))
    return {
      link,
      downlinkBitsPerSecond: goodput('downlink'),
      uplinkBitsPerSecond: goodput('uplink'),
      rttMs: { ...this.#quantity(exchanges, 'clock exchange'), min: Math.min(...rtts) },
    }
  }

  #quantity(measured: readonly Measured[], method: string): Quantity {
    const values = measured.map(({ value }) => value)
    return {
      p10: quantile(values, 0.1),
      p50: quantile(values, 0.5),
      p90: quantile(values, 0.9),
      n: values.length,
      method,
      measuredAt: this.#measuredAt,
      bytesSpent: measured.reduce((sum, { bytesSpent }) => sum + bytesSpent, 0),
    }
  }
}
