/** Figures of one kind of domain-specific model. */
export interface ModelKind {
  /** S, down as up. */
  readonly payloadBits: number
  /** c_m, in cycles */
  readonly cyclesPerSample: number
  /** A */
  readonly value: number
  /** Modalities: camera (VSD), ISAC radio (WSD). */
  readonly usesCamera: boolean
  readonly usesIsac: boolean
}

/**
 * The vehicular cell of GainNet's case study B (arXiv 2401.02662, V-B): the paper states area,
 * clients, targets and rounds; the rest is chosen here, with its source where there is one.
 */
export interface ScenarioOptions {
  readonly sideMetres: number
  readonly vehicles: number
  readonly targets: number
  /** R: GAI rounds; one CR more flushes the last. */
  readonly rounds: number
  /** Manhattan grid: spacing of the roads, speeds uniform. */
  readonly roadSpacingMetres: number
  readonly speedMetresPerSecond: readonly [number, number]
  /** K, with the control slot. */
  readonly slots: number
  readonly slotSeconds: number
  /** Edge servers in a square of 2 x 2. */
  readonly servers: number
  /** In all; servers host as many, or one more. */
  readonly models: number
  readonly domains: number
  readonly modelKinds: readonly ModelKind[]
  readonly connectMetres: number
  readonly radio: {
    readonly carrierGhz: number
    readonly blockHz: number
    /** B: resource blocks of one device. */
    readonly blocks: number
    readonly uplinkDbm: number
    readonly downlinkDbm: number
    readonly noiseDbmPerHz: number
    /** Of the edge server's receiver (uplink) and the vehicle's (downlink). */
    readonly noiseFigureUplinkDb: number
    readonly noiseFigureDownlinkDb: number
    readonly efficiencyMax: number
    /** ε: share of the Shannon rate that coding reaches. */
    readonly codingShare: number
  }
  readonly camera: {
    readonly rangeMetres: number
    readonly viewDegrees: number
    readonly framesPerSlot: number
    readonly cyclesPerSample: number
  }
  readonly isac: {
    readonly rangeMetres: number
    /** w: blocks of one snapshot. */
    readonly blocksPerSnapshot: number
    readonly cyclesPerSample: number
  }
  readonly cyclesPerSecond: readonly [number, number]
  readonly classes: number
  /** Concentration of the Dirichlet priors of classes. */
  readonly classConcentration: number
  readonly effectiveSamples: number
  readonly exponent: number
  readonly smoothing: number
  /** Usable slots that consumption may take: all, or fewer under a strict deadline. */
  readonly consumptionSlotsMax?: number
}

/** Radio of 3GPP TR 38.901 UMi in the ITS band; sensing and consumption limit about alike. */
export const BALANCED: ScenarioOptions = {
  sideMetres: 500,
  vehicles: 50,
  targets: 100,
  rounds: 5,
  roadSpacingMetres: 100,
  speedMetresPerSecond: [8, 16],
  slots: 10,
  slotSeconds: 0.1,
  servers: 4,
  models: 12,
  domains: 6,
  modelKinds: [
    { payloadBits: 0.4e6, cyclesPerSample: 12e6, value: 0.8, usesCamera: true, usesIsac: false },
    { payloadBits: 1.2e6, cyclesPerSample: 8e6, value: 0.8, usesCamera: false, usesIsac: true },
    { payloadBits: 1.6e6, cyclesPerSample: 24e6, value: 1, usesCamera: true, usesIsac: true },
  ],
  connectMetres: 300,
  radio: {
    carrierGhz: 5.9,
    blockHz: 180e3,
    blocks: 10,
    uplinkDbm: 23,
    downlinkDbm: 30,
    noiseDbmPerHz: -174,
    noiseFigureUplinkDb: 5,
    noiseFigureDownlinkDb: 9,
    efficiencyMax: 7.4,
    codingShare: 0.75,
  },
  camera: { rangeMetres: 150, viewDegrees: 120, framesPerSlot: 1, cyclesPerSample: 15e6 },
  isac: { rangeMetres: 120, blocksPerSnapshot: 5, cyclesPerSample: 12e6 },
  cyclesPerSecond: [1e9, 2e9],
  classes: 6,
  classConcentration: 0.5,
  effectiveSamples: 50,
  exponent: 0.35,
  smoothing: 0.05,
}

/**
 * Small models, fast processors, short views: what can be sensed limits, and five slots suffice. How
 * small they have to be for that: docs/decisions/008-payloads-of-the-light-preset.md.
 */
export const LIGHT: ScenarioOptions = {
  ...BALANCED,
  modelKinds: [
    { payloadBits: 0.05e6, cyclesPerSample: 8e6, value: 0.8, usesCamera: true, usesIsac: false },
    { payloadBits: 0.1e6, cyclesPerSample: 5e6, value: 0.8, usesCamera: false, usesIsac: true },
    { payloadBits: 0.15e6, cyclesPerSample: 12e6, value: 1, usesCamera: true, usesIsac: true },
  ],
  connectMetres: 250,
  camera: { ...BALANCED.camera, rangeMetres: 80, cyclesPerSample: 8e6 },
  isac: { rangeMetres: 50, blocksPerSnapshot: 10, cyclesPerSample: 6e6 },
  cyclesPerSecond: [4e9, 6e9],
}

export type PresetName = 'balanced' | 'light'

export const PRESETS: Readonly<Record<PresetName, ScenarioOptions>> = {
  balanced: BALANCED,
  light: LIGHT,
}

/** The three limits of the paper's robustness study. */
export type Limit = 'time' | 'frequency' | 'compute'

/** Five of nine usable slots, half the blocks, half the computing. */
export function limited(options: ScenarioOptions, limit: Limit): ScenarioOptions {
  if (limit === 'time') return { ...options, consumptionSlotsMax: 5 }
  if (limit === 'compute') {
    const [slowest, fastest] = options.cyclesPerSecond
    return { ...options, cyclesPerSecond: [slowest / 2, fastest / 2] }
  }
  const blocks = Math.floor(options.radio.blocks / 2)
  const { isac, radio } = options
  return {
    ...options,
    radio: { ...radio, blocks },
    // A snapshot cannot take more blocks than there are.
    isac: { ...isac, blocksPerSnapshot: Math.min(isac.blocksPerSnapshot, blocks) },
  }
}
