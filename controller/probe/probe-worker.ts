import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../runtime/errors.ts'
import type { ProbeAnswer, ProbeRequest, ProbeStart } from './probe-messages.ts'
import { type ProbeLog, ProbeServer } from './probe-server.ts'
import type { ProbeRight } from './probe-tokens.ts'

const port = parentPort
if (!port) throw new Error('this module is the body of a worker thread')

const answer = (message: ProbeAnswer): void => port.postMessage(message)
const log: ProbeLog = {
  debug: (fields, message) => answer({ is: 'logged', level: 'debug', fields, message }),
  warn: (fields, message) => answer({ is: 'logged', level: 'warn', fields, message }),
}
/** Gone with the right, used or not. */
const grants = new WeakMap<ProbeRight, number>()
// ProbeThread, the one starter of this module, hands over what these types say.
const server = new ProbeServer({
  ...(workerData as ProbeStart),
  log,
  onEnd: (right, { bytes }) =>
    answer({ is: 'served', served: { grant: grants.get(right) ?? Number.NaN, right, bytes } }),
})

port.on('message', (request: ProbeRequest) => {
  if (request.is === 'issued') {
    grants.set(request.right, request.grant)
    server.issue(request.right, request.token)
  } else {
    // Nothing keeps the thread alive then, and it ends by itself.
    void server.stop().finally(() => port.close())
  }
})

try {
  await server.start()
  answer({ is: 'listening', port: server.port })
} catch (error) {
  answer({ is: 'absent', reason: messageOf(error) })
  port.close()
}
