import { expect, test } from 'vitest'
import { AgentConfig } from '../../../config/agent-schema.ts'
import { ControllerConfig } from '../../../config/controller-schema.ts'
import { agentConfig, computingShare, controllerConfig } from '../../../demo/demo-config.ts'

const folder = { root: '/tmp/run' }
const models = [{ modelId: 'code', heldBackFile: '/tmp/run/held-back/code.txt' }]
const common = { folder, port: 4000, rounds: 6, agents: 3, agentsWaitSeconds: 90, models }

test('both kinds of controller and the agents have configurations that the schemas take', () => {
  const embedded = ControllerConfig.parse(controllerConfig({ ...common, externalPassword: null }))
  expect(embedded.broker).toMatchObject({ mode: 'embedded', host: '127.0.0.1', port: 4000 })
  expect(embedded.rounds).toEqual({ limit: 6, agentsMin: 3, agentsWaitSeconds: 90 })

  const external = ControllerConfig.parse(controllerConfig({ ...common, externalPassword: 'pw' }))
  expect(external.broker).toMatchObject({ mode: 'external', url: 'mqtt://127.0.0.1:4000' })

  const options = { folder, port: 4000, agentId: 'agent-1', password: 'pw', agents: 3, cores: 2 }
  const agent = AgentConfig.parse(agentConfig(options))
  expect(agent.sensors).toMatchObject([{ kind: 'text-folder', path: '/tmp/run/text/agent-1' }])
})

test('the shares of all agents leave room for the controller', () => {
  expect(computingShare({ cores: 2, agents: 4 })).toBeCloseTo(0.425)
  // A trainer runs on one core at a time: more of a core than all of it is not to be had.
  expect(computingShare({ cores: 16, agents: 3 })).toBe(1)
  for (const cores of [1, 2, 4, 16]) {
    for (const agents of [1, 3, 8]) {
      expect(computingShare({ cores, agents }) * agents).toBeLessThanOrEqual(
        Math.max(cores - 0.25, agents * 0.05),
      )
    }
  }
})

test('many agents on few cores still have a share that is worth planning with', () => {
  expect(computingShare({ cores: 1, agents: 16 })).toBe(0.05)
})
