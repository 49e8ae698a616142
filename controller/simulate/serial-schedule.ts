import { buildLatentGraph } from '../orchestrate/latent-graph.ts'
import { inputsOfRound, type Scenario } from './scenario.ts'

/**
 * The best that serial rounds can gain: without Zeros, sensing, download, computing and upload of a
 * GAI round follow each other inside one CR. For each device and round the best model and the best
 * slot to end sensing are taken; rounds do not touch each other, so that this is exact.
 */
export function bestSerialGain(scenario: Scenario): number {
  let gain = 0
  for (let round = 0; round < scenario.options.rounds; round++) {
    const inputs = inputsOfRound(scenario, round, { sensingCr: round, linkCr: round })
    const { gains, models, devices } = buildLatentGraph({ ...inputs, schedule: 'serial' })
    for (let device = 0; device < devices.length; device++) {
      const row = device * models.length
      gain += Math.max(0, ...gains.subarray(row, row + models.length))
    }
  }
  return gain
}
