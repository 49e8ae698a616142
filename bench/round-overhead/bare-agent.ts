import type { Stoppable } from '../../runtime/shutdown.ts'
import type { AgentSetup } from './agent-setup.ts'
import { BODY_BYTES, bareTopics, bodyOf, connectBare, roundOf } from './bare-pattern.ts'

/** The other end of the reference: fetches the model's blocks and sends as many bytes back. */
export async function startBareAgent(setup: AgentSetup): Promise<Stoppable> {
  const { bareId, site, url, password, pattern } = setup
  const { modelBytes, blockBytes } = pattern
  const client = await connectBare({ url, username: bareId, password })
  const topics = bareTopics(site)
  const blockCount = Math.ceil(modelBytes / blockBytes)
  const report = (word: string, round: string): void => {
    const body = bodyOf(BODY_BYTES.status, `${round} ${word}`)
    void client.publishAsync(topics.status(bareId), body, { qos: 1 })
  }
  let blocks: Buffer[] = []
  const sendUpdate = (round: string): void => {
    const manifest = bodyOf(BODY_BYTES.updateManifest + BODY_BYTES.hash * blockCount, round)
    void client.publishAsync(topics.updateManifest(bareId), manifest, { qos: 1 })
    for (const [index, block] of blocks.entries()) {
      void client.publishAsync(topics.updateBlock(bareId, round, index), block, { qos: 1 })
    }
    blocks = []
  }
  let filter = ''
  client.on('message', (topic, body) => {
    if (topic === topics.assignment(bareId)) {
      const round = roundOf(body)
      report('accepted', round)
      filter = topics.blob(round, '+')
      void client.subscribeAsync(filter, { qos: 1 })
    } else if (topic === topics.ack(bareId)) {
      report('done', roundOf(body))
    } else if (topic.includes('/blob/')) {
      blocks.push(body)
      if (blocks.length < blockCount) return
      void client.unsubscribeAsync(filter)
      sendUpdate(String(Number(topic.split('/').at(-2))))
    }
  })
  await client.subscribeAsync(
    [topics.assignment(bareId), topics.ack(bareId), topics.modelManifest],
    {
      qos: 1,
    },
  )
  return { stop: () => client.endAsync() }
}
