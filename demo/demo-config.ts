import { join } from 'node:path'
import type { z } from 'zod'
import type { AgentConfig } from '../config/agent-schema.ts'
import type { ControllerConfig } from '../config/controller-schema.ts'

/** Where everything of one run of the demo lies. */
export interface RunFolder {
  readonly root: string
}

export interface DemoModel {
  readonly modelId: string
  readonly heldBackFile: string
}

/** Ten slots of half a second: a round is short enough to watch and long enough to train in. */
export const DEMO_CLOCK = { slots: 10, slotMs: 500 } as const

/** Room that the machine keeps for the controller, its broker and evaluation, in cores. */
const CONTROLLER_CORES = 0.3
const COMPUTING_SHARE_MIN = 0.05
/**
 * Some 35,000 samples a round: about what four agents on two cores can train on. A faster sensor
 * would wait for computing, and a slower one computing for it.
 */
const SENSOR_BYTES_PER_SECOND = 8000
/** Agents on one machine disturb each other all the time; the usual caution would let them all idle. */
const FORECAST_QUANTILE = 0.5
const LINK_BYTES_MAX = 16 * 2 ** 20
/** What learns most in a minute of two cores, by trial: a longer context needs more text. */
const MODEL_SHAPE = { contextBytes: 6, embeddingSize: 24, hiddenSizes: [128] }
export function logFileOf({ root }: RunFolder, name: string): string {
  return join(root, 'logs', `${name}.log`)
}

export function stateDirectoryOf({ root }: RunFolder, name: string): string {
  return join(root, 'state', name)
}

export function textFolderOf({ root }: RunFolder, agentId: string): string {
  return join(root, 'text', agentId)
}

export function controllerConfig(options: {
  readonly folder: RunFolder
  readonly port: number
  readonly rounds: number
  readonly agents: number
  readonly agentsWaitSeconds: number
  readonly models: readonly DemoModel[]
  /** Of the controller at a broker that is not its own. */
  readonly externalPassword: string | null
}): z.input<typeof ControllerConfig> {
  const { folder, port, externalPassword } = options
  return {
    stateDirectory: stateDirectoryOf(folder, 'controller'),
    broker:
      externalPassword === null
        ? { mode: 'embedded', host: '127.0.0.1', port }
        : { mode: 'external', url: brokerUrl(port), password: externalPassword },
    log: { level: 'info', file: logFileOf(folder, 'controller') },
    clock: { ...DEMO_CLOCK },
    probe: { host: '127.0.0.1', port: 0 },
    rounds: {
      limit: options.rounds,
      agentsMin: options.agents,
      agentsWaitSeconds: options.agentsWaitSeconds,
    },
    models: options.models.map(({ modelId, heldBackFile }, index) => ({
      modelId,
      ...MODEL_SHAPE,
      seed: index + 1,
      evaluation: { path: heldBackFile },
    })),
  }
}

export function agentConfig(options: {
  readonly folder: RunFolder
  readonly port: number
  readonly agentId: string
  readonly password: string
  readonly agents: number
  readonly cores: number
}): z.input<typeof AgentConfig> {
  const { folder, agentId, password } = options
  const share = computingShare(options)
  return {
    agentId,
    stateDirectory: stateDirectoryOf(folder, agentId),
    broker: { url: brokerUrl(options.port), password },
    log: { level: 'info', file: logFileOf(folder, agentId) },
    // Four agents share one machine and its loopback: what more would tell is not worth their time.
    measure: { forecastQuantile: FORECAST_QUANTILE, linkBytesMax: LINK_BYTES_MAX },
    // At the priority of everybody else, half of the share is to be had on a busy machine too.
    limits: { computingShare: share, computingShareReserved: share / 2, niceness: 0 },
    healthSeconds: 1,
    sensors: [
      {
        kind: 'text-folder',
        id: 'folder',
        path: textFolderOf(folder, agentId),
        bytesPerSecond: SENSOR_BYTES_PER_SECOND,
      },
    ],
  }
}

export function brokerUrl(port: number): string {
  return `mqtt://127.0.0.1:${port}`
}

/**
 * Share of a core that one agent offers. In the field an agent has its board to itself; here all
 * share one, and what each promises must be there when all train at once. A trainer runs on one
 * core at a time, so the cores are divided, not each core.
 */
export function computingShare({
  cores,
  agents,
}: {
  readonly cores: number
  readonly agents: number
}): number {
  const share = (cores - CONTROLLER_CORES) / agents
  return Math.round(Math.min(1, Math.max(COMPUTING_SHARE_MIN, share)) * 1000) / 1000
}
