import type { ScenarioOptions } from './scenario-options.ts'

/** Height of the edge server's antenna over that of a vehicle. */
const HEIGHT_METRES = 8.5
const SHADOWING_LOS_DB = 4
const SHADOWING_NLOS_DB = 7.82

/** What one pair of device and edge server draws once: sight and shadowing. */
export interface ChannelDraw {
  /** In [0, 1): sight is there where the probability of it is greater. */
  readonly sight: number
  /** Standard normal. */
  readonly shadowing: number
}

/**
 * Path loss of the urban micro cell, street canyon, in dB (3GPP TR 38.901, tables 7.4.1-1 and
 * 7.4.2-1, below the breakpoint distance; metres and GHz).
 */
export function pathLossDb(metres: number, carrierGhz: number, draw: ChannelDraw): number {
  const d3 = Math.hypot(metres, HEIGHT_METRES)
  const los = 32.4 + 21 * Math.log10(d3) + 20 * Math.log10(carrierGhz)
  if (draw.sight < sightProbability(metres)) return los + SHADOWING_LOS_DB * draw.shadowing
  const nlos = 35.3 * Math.log10(d3) + 22.4 + 21.3 * Math.log10(carrierGhz)
  return Math.max(los, nlos) + SHADOWING_NLOS_DB * draw.shadowing
}

function sightProbability(metres: number): number {
  const far = Math.exp(-metres / 36)
  return Math.min(18 / Math.max(metres, 1e-9), 1) * (1 - far) + far
}

/** η: bits of one resource block in one slot, both ways, at constant power density. */
export function blockBits(
  { radio, slotSeconds }: Pick<ScenarioOptions, 'radio' | 'slotSeconds'>,
  lossDb: number,
): { readonly downlinkBitsPerBlock: number; readonly uplinkBitsPerBlock: number } {
  const grantDb = 10 * Math.log10(radio.blocks * radio.blockHz)
  const bitsOf = (sentDbm: number, noiseFigureDb: number): number => {
    const snrDb = sentDbm - lossDb - (radio.noiseDbmPerHz + grantDb + noiseFigureDb)
    const efficiency = radio.codingShare * Math.log2(1 + 10 ** (snrDb / 10))
    return radio.blockHz * slotSeconds * Math.min(radio.efficiencyMax, efficiency)
  }
  return {
    downlinkBitsPerBlock: bitsOf(radio.downlinkDbm, radio.noiseFigureDownlinkDb),
    uplinkBitsPerBlock: bitsOf(radio.uplinkDbm, radio.noiseFigureUplinkDb),
  }
}
