import { messageOf } from '../../runtime/errors.ts'
import { createLogger } from '../../runtime/logger.ts'
import type { AgentReport, AgentSetup } from './agent-setup.ts'
import { startBareAgent } from './bare-agent.ts'
import { OurAgent } from './our-agent.ts'

/** One of the agents as a process of its own: ours, and beside it the one of the reference. */
process.once('message', async (setup: AgentSetup) => {
  // The parent sends nothing else.
  const tell = (report: AgentReport): void => void process.send?.(report)
  try {
    const log = createLogger({ daemon: setup.agentId, level: 'warn' })
    const ours = await OurAgent.start(setup, log)
    const bare = await startBareAgent(setup)
    process.once('disconnect', async () => {
      await bare.stop()
      await ours.stop()
    })
    tell({ status: 'ready' })
  } catch (error) {
    tell({ status: 'failed', reason: messageOf(error) })
    process.disconnect()
  }
})
