import { MESSAGES, type MessageName, type TopicParameters } from './messages.ts'

/** First levels of every topic; the version lets two generations share a broker. */
export const TOPIC_ROOT = 'gainnet/v1'

const TEMPLATES = (Object.keys(MESSAGES) as MessageName[]).map(name => ({
  name,
  levels: MESSAGES[name].topic.split('/'),
}))

/** The topic of a message, e.g. topicFor('home', 'urp', { agentId: 'pi-04' }). */
export function topicFor<Name extends MessageName>(
  site: string,
  name: Name,
  parameters: TopicParameters<Name>,
): string {
  return fill(site, name, parameters)
}

/** The topic with + for what is left out: a filter to subscribe to. */
export function filterFor<Name extends MessageName>(
  site: string,
  name: Name,
  parameters: Partial<TopicParameters<Name>> = {},
): string {
  return fill(site, name, parameters)
}

function fill(
  site: string,
  name: MessageName,
  parameters: Readonly<Record<string, string | number | undefined>>,
): string {
  const leaf = MESSAGES[name].topic.replace(/\{(\w+)\}/g, (_, key: string) =>
    String(parameters[key] ?? '+'),
  )
  return `${TOPIC_ROOT}/${site}/${leaf}`
}

export interface ParsedTopic {
  readonly name: MessageName
  readonly parameters: Readonly<Record<string, string>>
}

const LEVEL = /^[a-z0-9-]{1,64}$/

/** Which message a topic carries, or null where it is none of ours. */
export function parseTopic(site: string, topic: string): ParsedTopic | null {
  const prefix = `${TOPIC_ROOT}/${site}/`
  if (!topic.startsWith(prefix)) return null
  const levels = topic.slice(prefix.length).split('/')
  for (const { name, levels: template } of TEMPLATES) {
    const parameters = matchLevels(template, levels)
    if (parameters) return { name, parameters }
  }
  return null
}

function matchLevels(
  template: readonly string[],
  levels: readonly string[],
): Record<string, string> | null {
  if (template.length !== levels.length) return null
  const parameters: Record<string, string> = {}
  for (const [index, part] of template.entries()) {
    const level = levels[index] ?? ''
    if (part.startsWith('{')) {
      if (!LEVEL.test(level)) return null
      parameters[part.slice(1, -1)] = level
    } else if (part !== level) return null
  }
  return parameters
}
