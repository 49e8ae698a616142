import { join } from 'node:path'
import type { AgentConfig } from '../config/agent-schema.ts'
import { GainnetError } from '../runtime/errors.ts'
import { readKernelNames } from './measure/kernel-file.ts'

/**
 * Rejects: this version has no driver that reads a spectrum, whatever radio the board has. Says what
 * is there instead.
 */
export async function refuseSpectrum({ measure }: Pick<AgentConfig, 'measure'>): Promise<never> {
  const radios = await readKernelNames(join(measure.sysRoot, 'class/ieee80211'))
  const there =
    radios.length > 0
      ? `the Wi-Fi of this board (${radios.join(', ')}) tells the strength of its own signal, but not ` +
        'which frequencies are free'
      : `no radio is to be seen in ${join(measure.sysRoot, 'class/ieee80211')}`
  throw new GainnetError(
    'SPECTRUM_UNAVAILABLE',
    `the spectrum cannot be measured: there is no driver of a radio that sweeps it, and ${there}`,
  )
}
