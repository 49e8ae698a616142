import { parentPort, workerData } from 'node:worker_threads'
import type { SpectrumAnswer, SpectrumRequest, SpectrumStart } from './spectrum-messages.ts'
import { SpectrumRounds } from './spectrum-rounds.ts'

const port = parentPort
if (!port) throw new Error('this module is the body of a worker thread')

const answer = (message: SpectrumAnswer, moved: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, [...moved])
// SpectrumThread, the one starter of this module, hands over what this type says.
const rounds = new SpectrumRounds(workerData as SpectrumStart, round =>
  answer({ is: 'round', round }),
)

port.on('message', (request: SpectrumRequest) => {
  if (request.is === 'gap') rounds.skip(request.bytes)
  else if (request.is === 'bytes') {
    const { piece, bytes } = request
    rounds.push(piece.subarray(0, bytes))
    answer({ is: 'taken', piece }, [piece.buffer])
  } else {
    rounds.finish()
    // Nothing keeps the thread alive then, and it ends by itself.
    port.close()
  }
})
