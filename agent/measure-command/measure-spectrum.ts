import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { AgentConfig } from '../../config/agent-schema.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { printedRows } from '../../runtime/printed-json.ts'
import { paintFor } from '../measure/heat-map.ts'
import { readKernelNames } from '../measure/kernel-file.ts'
import { measureRadio } from '../radio/measure-radio.ts'
import {
  type MeasuredRadio,
  spectrumCsv,
  spectrumDocument,
  spectrumPage,
} from '../radio/spectrum-page.ts'

export interface MeasureSpectrumOptions {
  readonly json: boolean
  readonly csv: boolean
  readonly output: Writable
}

/** A second: long enough for bursts of sensors and beacons, short enough to wait for. */
const ROUND = { slots: 10, slotMs: 100 } as const

/** Watches every configured radio for a second, one after the other, and shows what is free. */
export async function measureSpectrum(
  config: Pick<AgentConfig, 'agentId' | 'measure' | 'radios'>,
  { json, csv, output }: MeasureSpectrumOptions,
): Promise<void> {
  if (config.radios.length === 0) return refuseSpectrum(config)
  const measured: MeasuredRadio[] = []
  for (const radio of config.radios) {
    measured.push({ radio, measurement: await measureRadio(radio, ROUND) })
  }
  const isTTY = 'isTTY' in output && output.isTTY === true
  if (csv) output.write(spectrumCsv(measured))
  else if (json) output.write(`${printedRows({ radios: measured.map(spectrumDocument) })}\n`)
  else {
    const paint = paintFor({ isTTY, env: process.env })
    output.write(spectrumPage(config.agentId, measured, paint))
  }
}

/** Rejects: no radio is configured. Says what is there instead. */
export async function refuseSpectrum({ measure }: Pick<AgentConfig, 'measure'>): Promise<never> {
  const wifi = await readKernelNames(join(measure.sysRoot, 'class/ieee80211'))
  const there =
    wifi.length > 0
      ? `the Wi-Fi of this board (${wifi.join(', ')}) tells the strength of its own signal, but not ` +
        'which frequencies are free'
      : `no radio is to be seen in ${join(measure.sysRoot, 'class/ieee80211')}`
  throw new GainnetError(
    'SPECTRUM_UNAVAILABLE',
    'the spectrum cannot be measured: no receiver is configured (radios in the configuration of ' +
      `the agent), and ${there}`,
  )
}
