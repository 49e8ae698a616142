import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  COMMAND_BYTES,
  COMMANDS,
  type CommandName,
  headerBytes,
} from '../../agent/radio/rtl-tcp/rtl-tcp-protocol.ts'

/** An rtl_tcp server that sends a recording over and over, at its pace. */
export interface RadioServer {
  readonly port: number
  /** As clients gave them, in order. */
  readonly commands: readonly (readonly [CommandName | number, number])[]
  /** Sends nothing more, on connections that stay open. */
  silence(): void
  /** Closes the connections of its clients. */
  cut(): void
  /** Also takes no more clients. */
  stop(): void
}

const PERIOD_MS = 20
const NAMES = new Map<number, CommandName>(
  Object.entries(COMMANDS).map(([name, number]) => [number, name as CommandName]),
)

export async function serveRadio(
  recording: Uint8Array,
  options: {
    readonly rateHz: number
    /** A free one where left out. */
    readonly port?: number
    /** Instead of the header of a radio. */
    readonly greeting?: Uint8Array
    /** Sends in pieces of so many bytes, to cut samples apart. */
    readonly pieceBytes?: number
  },
): Promise<RadioServer> {
  const { greeting = headerBytes({ tuner: 'R820T', gainCount: 29 }) } = options
  const clients = new Set<Socket>()
  const commands: (readonly [CommandName | number, number])[] = []
  let isSilent = false
  const server = createServer({ noDelay: true }, client => {
    clients.add(client)
    client.on('error', () => undefined)
    client.on('data', commandReader(commands))
    client.write(greeting)
    const send = pacedSender(client, recording, options)
    const timer = setInterval(() => isSilent || send(), PERIOD_MS)
    client.once('close', () => {
      clearInterval(timer)
      clients.delete(client)
    })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const client of clients) client.destroy()
  }
  return {
    // A server that listens on TCP has such an address.
    port: (server.address() as AddressInfo).port,
    commands,
    silence: () => {
      isSilent = true
    },
    cut,
    stop: () => {
      server.close()
      cut()
    },
  }
}

function commandReader(commands: (readonly [CommandName | number, number])[]) {
  let pending: Buffer = Buffer.alloc(0)
  return (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= COMMAND_BYTES) {
      const number = pending.readUInt8()
      commands.push([NAMES.get(number) ?? number, pending.readInt32BE(1)])
      pending = pending.subarray(COMMAND_BYTES)
    }
  }
}

/** Each call sends what is due by now; a radio drops what its client does not take. */
function pacedSender(
  client: Socket,
  recording: Uint8Array,
  { rateHz, pieceBytes = 65_536 }: { readonly rateHz: number; readonly pieceBytes?: number },
): () => void {
  const startedAt = performance.now()
  let sent = 0
  return () => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * rateHz) * 2
    while (sent < due) {
      const at = sent % recording.length
      const piece = recording.subarray(at, at + Math.min(pieceBytes, due - sent))
      if (client.writableLength < 2 ** 20) client.write(piece)
      sent += piece.length
    }
  }
}
