import { connect } from 'mqtt'
import { decodeBody } from '../../protocol/body-codec.ts'
import { topicFor } from '../../protocol/topics.ts'
import type { Heard } from './link-fleet.ts'

/** On the edge of a lab: passes on what agent and controller say at the broker. */
const [site = '', agentId = '', password = ''] = process.argv.slice(2)
const client = connect('mqtt://127.0.0.1:1883', {
  username: 'observer',
  password,
  reconnectPeriod: 200,
})
const urpTopic = topicFor(site, 'urp', { agentId })
const clockTopic = topicFor(site, 'crClock', {})
// The broker is not there yet: the client comes back until it is.
client.on('error', () => {})
client.on('message', (topic, payload) => {
  if (topic === urpTopic) tell('urp', payload)
  if (topic === clockTopic) tell('crClock', payload)
})
client.subscribe([urpTopic, clockTopic], { qos: 1 })
process.on('disconnect', () => process.exit())

function tell(name: 'urp' | 'crClock', payload: Buffer): void {
  const decoded = decodeBody(name, payload)
  if (!decoded.ok) throw new Error(`${name} cannot be read: ${decoded.reason}`)
  const { crId, ...body } = decoded.body
  const links = 'links' in body ? body.links : undefined
  const heard: Heard = {
    name,
    crId,
    ...(links ? { links } : {}),
    ...('cost' in body && body.cost ? { bytesSpent: body.cost.bytesSpent } : {}),
  }
  process.send?.(heard)
}
