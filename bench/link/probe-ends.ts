import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { LinkMeasurement, LinkPart } from '../../agent/measure/link/measure-link.ts'
import type { ProbeRight } from '../../controller/probe/probe-tokens.ts'
import { childModule } from '../../runtime/child-module.ts'
import type { Lab } from '../lab/lab.ts'
import type { BoardTask } from './board-end.ts'

export interface ProbeExtent {
  readonly parts: readonly LinkPart[]
  /** Of each direction of TCP. */
  readonly bytesMax: number
  /** Of a train each way. */
  readonly packets?: number
}

const DATAGRAM_BYTES_MAX = 16 * 1024 * 1024
const TOKEN_MS = 60_000
/** The engine's order, in which it asks for tokens. */
const PARTS_IN_ORDER = ['datagrams', 'down', 'up'] as const

/** The product's probe server on one host of a lab and its link engine on another. */
export class ProbeEnds {
  readonly #edge: ChildProcess
  readonly #board: ChildProcess
  readonly #host: string
  readonly #port: number

  private constructor(o: {
    readonly edge: ChildProcess
    readonly board: ChildProcess
    readonly host: string
    readonly port: number
  }) {
    this.#edge = o.edge
    this.#board = o.board
    this.#host = o.host
    this.#port = o.port
  }

  /** `address` is that of the edge on the wire to measure. */
  static async start(
    lab: Lab,
    o: { readonly edge: string; readonly board: string; readonly address: string },
  ): Promise<ProbeEnds> {
    const [edge, board] = [
      startModule(lab, o.edge, './edge-end'),
      startModule(lab, o.board, './board-end'),
    ]
    const [hello] = await Promise.all([answerOf(edge), answerOf(board)])
    const { port } = hello as { readonly port: number }
    return new ProbeEnds({ edge, board, host: o.address, port })
  }

  async measure(extent: ProbeExtent): Promise<LinkMeasurement> {
    const { bytesMax, packets } = extent
    const parts = PARTS_IN_ORDER.filter(part => extent.parts.includes(part))
    const tokens: string[] = []
    for (const part of parts) {
      const right: Omit<ProbeRight, 'agentId' | 'expiresInMs'> =
        part === 'datagrams'
          ? { kind: 'udp', direction: 'both', bytesMax: DATAGRAM_BYTES_MAX }
          : { kind: 'tcp', direction: part, bytesMax }
      const asked = { agentId: 'board', expiresInMs: TOKEN_MS, ...right }
      const { token } = (await ask(this.#edge, asked)) as { readonly token: string }
      tokens.push(token)
    }
    const task: BoardTask = {
      host: this.#host,
      port: this.#port,
      tokens,
      parts,
      bytesMax,
      ...(packets === undefined ? {} : { packets }),
    }
    // What the module sends, which is ours.
    return (await ask(this.#board, task)) as LinkMeasurement
  }

  stop(): void {
    for (const child of [this.#edge, this.#board]) child.kill('SIGKILL')
  }
}

function startModule(lab: Lab, host: string, module: string): ChildProcess {
  const { path, execArgv } = childModule(import.meta.url, module)
  return lab.spawn(host, process.execPath, [...execArgv, path], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

function ask(child: ChildProcess, question: object): Promise<unknown> {
  const answer = answerOf(child)
  child.send(question)
  return answer
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  const onExit = (code: number | null) => ended.abort(new Error(`an end of the lab ended: ${code}`))
  child.once('exit', onExit)
  try {
    const [answer] = await once(child, 'message', { signal: ended.signal })
    return answer
  } finally {
    child.off('exit', onExit)
  }
}
