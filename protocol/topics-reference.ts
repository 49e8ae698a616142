import { MESSAGES } from './messages.ts'
import { TOPIC_ROOT } from './topics.ts'

/** The page docs/reference/topics.md; a test holds the file to it. */
export function topicsReference(): string {
  const rows = Object.entries(MESSAGES).map(
    ([name, { topic, writer, encoding, qos, retain }]) =>
      `| \`${topic}\` | \`${name}\` | ${writer} | ${encoding} | ${qos} | ${retain ? 'yes' : 'no'} |`,
  )
  return `# Topics

Every topic begins with \`${TOPIC_ROOT}/<site>/\`. Levels are 1 to 64 of \`a-z\`, \`0-9\` and \`-\`. Bodies in
JSON can be read with \`mosquitto_sub\`; CBOR is RFC 8949 with plain maps; bytes are blocks of a blob, of
an update or of a probe. Every JSON and CBOR body carries \`session\`, \`sequence\` and \`sentAt\`. An empty
retained payload deletes.

| topic below \`${TOPIC_ROOT}/<site>/\` | message | who writes | encoding | QoS | retained |
|---|---|---|---|---|---|
${rows.join('\n')}

This page is made from \`MESSAGES\` in \`protocol/messages.ts\`. After a change there:
\`npx vitest run test/unit/protocol/topics-reference.test.ts -u\`.
`
}
