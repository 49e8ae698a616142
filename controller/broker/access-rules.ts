import { MESSAGES } from '../../protocol/messages.ts'
import { parseTopic, TOPIC_ROOT } from '../../protocol/topics.ts'

/**
 * agent: writes its own messages, reads what is addressed to it and what is for all.
 * observer: reads everything, writes nothing. controller: everything.
 */
export const ROLES = ['agent', 'observer', 'controller'] as const
export type Role = (typeof ROLES)[number]

export interface Identity {
  readonly username: string
  readonly role: Role
}

const ROWS = Object.values(MESSAGES)
const AGENT_LEVEL = '{agentId}'

/** Places an agent may read, as templates: 'agent/{agentId}' and 'ctl', from the table. */
const AGENT_READS = [...new Set(ROWS.map(({ topic }) => readRootOf(topic)))]

function readRootOf(topic: string): string {
  const end = topic.indexOf(AGENT_LEVEL)
  return end === -1 ? (topic.split('/')[0] ?? topic) : topic.slice(0, end + AGENT_LEVEL.length)
}

/**
 * Whether the table lets this user publish there. A retained message needs a row that is retained:
 * else a broken agent could fill the broker's memory with blocks that nobody ever replaces.
 */
export function mayPublish(
  site: string,
  { username, role }: Identity,
  { topic, retain }: { readonly topic: string; readonly retain: boolean },
): boolean {
  if (topic.startsWith('$')) return false
  if (role !== 'agent') return role === 'controller'
  const parsed = parseTopic(site, topic)
  if (!parsed || parsed.parameters.agentId !== username) return false
  const row = MESSAGES[parsed.name]
  return row.writer === 'agent' && (row.retain || !retain)
}

/** Whether everything that the filter could match is open to this user. */
export function maySubscribe(site: string, { username, role }: Identity, filter: string): boolean {
  if (role !== 'agent') return true
  return agentReadRoots(site, username).some(
    root => filter === root || filter.startsWith(`${root}/`),
  )
}

function agentReadRoots(site: string, username: string): string[] {
  return AGENT_READS.map(
    template => `${TOPIC_ROOT}/${site}/${template.replace(AGENT_LEVEL, username)}`,
  )
}

/**
 * The same rules as the acl_file of Mosquitto (mosquitto.conf(5)). A block a user, not `pattern`
 * lines: those would hold for observers too.
 */
export function mosquittoAccess(site: string, identities: readonly Identity[]): string {
  const blocks = identities.map(identity => [
    `user ${identity.username}`,
    ...mosquittoLines(site, identity),
  ])
  return `${blocks.map(lines => lines.join('\n')).join('\n\n')}\n`
}

function mosquittoLines(site: string, { username, role }: Identity): string[] {
  if (role === 'controller') return ['topic readwrite #', 'topic read $SYS/#']
  if (role === 'observer') return ['topic read #', 'topic read $SYS/#']
  const writes = ROWS.filter(({ writer }) => writer === 'agent').map(({ topic }) => {
    const leaf = topic.replace(AGENT_LEVEL, username).replace(/\{\w+\}/g, '+')
    return `topic write ${TOPIC_ROOT}/${site}/${leaf}`
  })
  return [...agentReadRoots(site, username).map(root => `topic read ${root}/#`), ...writes]
}
