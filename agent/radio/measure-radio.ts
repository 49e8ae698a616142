import { GainnetError } from '../../runtime/errors.ts'
import { RtlTcpClient, type Tuning } from './rtl-tcp/rtl-tcp-client.ts'
import type { RadioHeader } from './rtl-tcp/rtl-tcp-protocol.ts'
import type { SpectrumPlan } from './spectrum/spectrum-plan.ts'
import type { SpectrumRound } from './spectrum/spectrum-rounds.ts'
import { SpectrumThread } from './spectrum/spectrum-thread.ts'

/** A radio of the configuration. */
export interface RadioSettings extends Tuning {
  readonly host: string
  readonly port: number
  readonly blocks: number
}

export interface RadioMeasurement {
  readonly header: RadioHeader
  readonly plan: SpectrumPlan
  readonly round: SpectrumRound
  readonly droppedBytes: number
}

/** Until what is heard was received as tuned: buffers of a server, and the tuner itself. */
const SETTLING_MS = 300

/** Connects, tunes, and watches one round. SENSOR_UNAVAILABLE where no server is or it is lost. */
export async function measureRadio(
  settings: RadioSettings,
  { slots, slotMs }: Pick<SpectrumPlan, 'slots' | 'slotMs'>,
): Promise<RadioMeasurement> {
  const { host, port, rateHz, blocks } = settings
  const plan: SpectrumPlan = { format: 'cu8', rateHz, blocks, slots, slotMs }
  const client = await RtlTcpClient.connect({ host, port })
  const rounds: SpectrumRound[] = []
  let thread: SpectrumThread | undefined
  try {
    thread = new SpectrumThread(plan, round => rounds.push(round))
    client.tune(settings)
    await feed(client, thread, plan)
  } finally {
    await client.stop()
    await thread?.finish()
  }
  const [round] = rounds
  if (!round)
    throw new GainnetError('SENSOR_UNAVAILABLE', `the radio at ${host}:${port} fell silent`)
  return { header: client.header, plan, round, droppedBytes: client.droppedBytes }
}

async function feed(
  client: RtlTcpClient,
  thread: SpectrumThread,
  { rateHz, slots, slotMs }: SpectrumPlan,
): Promise<void> {
  let unsettled = bytesOf(rateHz, SETTLING_MS)
  let wanted = slots * bytesOf(rateHz, slotMs)
  for await (const part of client.parts()) {
    const length = part.is === 'gap' ? part.bytes : part.bytes.length
    const from = Math.min(unsettled, length)
    const to = Math.min(length, from + wanted)
    unsettled -= from
    wanted -= to - from
    if (part.is === 'gap') thread.skip(to - from)
    else await thread.push(part.bytes.subarray(from, to))
    if (wanted === 0) return
  }
}

function bytesOf(rateHz: number, ms: number): number {
  return 2 * Math.round((rateHz * ms) / 1000)
}
