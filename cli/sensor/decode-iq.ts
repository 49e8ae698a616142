import { openIqFile } from '../../agent/radio/iq-file.ts'
import { isSampleFormat, SAMPLE_FORMATS } from '../../agent/radio/sample-formats.ts'
import { type SpectrumPlan, usualSlotMs } from '../../agent/radio/spectrum/spectrum-plan.ts'
import { SpectrumThread } from '../../agent/radio/spectrum/spectrum-thread.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { type DecodedIq, decodedIqJson, decodedIqText, IqTally } from './decoded-iq.ts'

export interface DecodeIqOptions {
  readonly rate?: number | undefined
  readonly format?: string | undefined
  readonly blocks: number
  readonly slotMs?: number | undefined
  readonly json: boolean
  readonly output: NodeJS.WritableStream
}

/** Slots that are judged by one noise floor, and kept until then. */
const SLOTS_A_ROUND = 64

/** Occupancy of the resource blocks of a recording, slot by slot. */
export async function runDecodeIq(file: string, options: DecodeIqOptions): Promise<void> {
  const { format, rate, json, output } = options
  if (format !== undefined && !isSampleFormat(format)) {
    const known = Object.keys(SAMPLE_FORMATS).join(', ')
    throw new GainnetError('USAGE', `--format ${format} is none of ${known}`)
  }
  const recording = await openIqFile(file, { format, rateHz: rate })
  const { rateHz } = recording
  if (rateHz === undefined) {
    throw new GainnetError('USAGE', `${file} does not tell its sample rate: say --rate`)
  }
  const plan: SpectrumPlan = {
    format: recording.format,
    rateHz,
    blocks: options.blocks,
    slots: SLOTS_A_ROUND,
    slotMs: options.slotMs ?? usualSlotMs(rateHz),
  }
  const tally = new IqTally()
  const thread = new SpectrumThread(plan, round => tally.add(round))
  try {
    for await (const bytes of recording.bytes()) {
      tally.bytes += bytes.length
      await thread.push(bytes)
    }
  } finally {
    await thread.finish()
  }
  const decoded: DecodedIq = { file, plan, frequencyHz: recording.frequencyHz, tally }
  output.write(json ? decodedIqJson(decoded) : decodedIqText(decoded))
}
