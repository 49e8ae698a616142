import { quantile } from 'simple-statistics'
import type { Explanation, Figure, Reading } from '../probe.ts'
import { writtenBytes, writtenNumber, writtenShare, writtenSi } from '../written.ts'
import type { Datagrams, Goodput, LinkValues } from './link-probe.ts'

export const ECHO_METHOD = 'UDP echo'
export const EXCHANGE_METHOD = 'clock exchange'

/** What the measurement says, for the page, and what it left out. */
export function readingOf(values: LinkValues): Reading<LinkValues> {
  const { downlink, uplink, missing = {} } = values
  const methods = new Set([downlink.method, uplink.method])
  return {
    status: 'ok',
    values,
    figures: figuresOf(values),
    method: [...methods].join('; '),
    discarded: Object.entries(missing).map(([part, reason]) => `${part}: ${reason}`),
    explanation: {
      samples: values.rttsMs.length,
      sampleIs: 'round trip',
      discarded: Object.entries(missing).map(([part, reason]) => ({
        reason: `${part}: ${reason}`.slice(0, 200),
        count: 1,
      })),
    },
  }
}

function figuresOf(values: LinkValues): Figure[] {
  const { rttsMs, downlink, uplink, datagrams } = values
  const ms = (value: number) => ({
    value: writtenNumber(value),
    unit: 'ms',
    base: { value, unit: 'ms' },
  })
  const bytesSpent = downlink.bytesSpent + uplink.bytesSpent + (datagrams?.bytesSpent ?? 0)
  return [
    goodputFigure('downlink goodput', downlink),
    goodputFigure('uplink goodput', uplink),
    {
      name: 'round trip, median',
      ...ms(quantile([...rttsMs], 0.5)),
      explanation: explained(values),
    },
    { name: 'round trip, least', ...ms(Math.min(...rttsMs)), explanation: explained(values) },
    ...(datagrams ? datagramFigures(datagrams, ms) : []),
    ...kernelFigures(values, ms),
    { name: 'spent on measuring', ...writtenBytes(bytesSpent) },
  ]
}

function goodputFigure(name: string, { bitsPerSecond, method }: Goodput): Figure {
  return {
    name,
    ...writtenSi(bitsPerSecond, 'bit/s'),
    explanation: { samples: 1, sampleIs: 'transfer', method, discarded: [] },
  }
}

function explained({ rttsMs, datagrams }: LinkValues): Explanation {
  const method = datagrams ? ECHO_METHOD : EXCHANGE_METHOD
  return { samples: rttsMs.length, sampleIs: 'round trip', method, discarded: [] }
}

function datagramFigures(
  { down, up }: Datagrams,
  ms: (value: number) => Pick<Figure, 'value' | 'unit'>,
): Figure[] {
  const lost = (way: Datagrams['down']) => writtenShare(way.lost / way.sent)
  return [
    { name: 'lost packets, down', ...lost(down) },
    { name: 'lost packets, up', ...lost(up) },
    { name: 'jitter', ...ms(Math.max(down.jitterMs, up.jitterMs)) },
  ]
}

const TCP_METHOD = 'ss, of the connection that filled the uplink'
const WIFI_METHOD = 'iw dev link'

/** Beside our own figures, as the kernel has them. */
function kernelFigures(
  { tcp, wifi }: LinkValues,
  ms: (value: number) => Pick<Figure, 'value' | 'unit'>,
): Figure[] {
  const told = (name: string, method: string, written: Pick<Figure, 'value' | 'unit'>): Figure => ({
    name,
    ...written,
    explanation: { samples: 1, sampleIs: 'answer', method, discarded: [] },
  })
  const { rttMs, rttMinMs, retransmittedShare, deliveryBitsPerSecond } = tcp ?? {}
  const { rssiDbm, sendBitsPerSecond, receiveBitsPerSecond } = wifi ?? {}
  const tcpTold = (name: string, written: Pick<Figure, 'value' | 'unit'>) =>
    told(`kernel: ${name}`, TCP_METHOD, written)
  const wifiTold = (name: string, written: Pick<Figure, 'value' | 'unit'>) =>
    told(`Wi-Fi: ${name}`, WIFI_METHOD, written)
  return [
    rttMs === undefined ? [] : tcpTold('round trip, smoothed', ms(rttMs)),
    rttMinMs === undefined ? [] : tcpTold('round trip, least', ms(rttMinMs)),
    retransmittedShare === undefined
      ? []
      : tcpTold('sent again, up', writtenShare(retransmittedShare)),
    deliveryBitsPerSecond === undefined
      ? []
      : tcpTold('delivery rate, up', writtenSi(deliveryBitsPerSecond, 'bit/s')),
    sendBitsPerSecond === undefined
      ? []
      : wifiTold('rate, up', writtenSi(sendBitsPerSecond, 'bit/s')),
    receiveBitsPerSecond === undefined
      ? []
      : wifiTold('rate, down', writtenSi(receiveBitsPerSecond, 'bit/s')),
    rssiDbm === undefined ? [] : wifiTold('signal', { value: String(rssiDbm), unit: 'dBm' }),
  ].flat()
}
