import { type ProbeServer, startProbeServer } from '../../controller/probe/probe-server.ts'
import type { ProbeRight } from '../../controller/probe/probe-tokens.ts'
import { createLogger } from '../../runtime/logger.ts'

/** The probe server on the edge of a lab: first says its port, then a token for each right it is sent. */
const server: ProbeServer = await startProbeServer({
  host: '0.0.0.0',
  port: 0,
  log: createLogger({ daemon: 'edge-end', level: 'warn' }),
})
process.on('message', (right: ProbeRight) => process.send?.({ token: server.issue(right) }))
process.on('disconnect', () => process.exit())
process.send?.({ port: server.port })
