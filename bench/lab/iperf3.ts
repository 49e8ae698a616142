import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Lab } from './lab.ts'

/** The part of `iperf3 --json` that is used (iperf3 3.12). */
const Report = z.object({
  error: z.string().optional(),
  end: z.object({ sum_received: z.object({ bits_per_second: z.number() }).optional() }).optional(),
})

export interface Iperf3Options {
  /** Host of the server, and its address for the client. */
  readonly server: string
  readonly address: string
  readonly client: string
  /** Down is from the server to the client. */
  readonly direction: 'down' | 'up'
  readonly seconds: number
  /** Left out of the figure, for slow start to end. */
  readonly omitSeconds: number
}

const PORT = 5201
const ATTEMPTS = 3

/** TCP payload in bits per second at the receiver, by iperf3. */
export async function iperf3(lab: Lab, options: Iperf3Options): Promise<number> {
  const { server, client, address, direction, seconds, omitSeconds } = options
  for (let attempt = 1; ; attempt++) {
    // One measurement a server: it stays busy for as long as a slow link drains.
    const serving = lab.spawn(server, 'iperf3', ['-s', '-1', '-p', `${PORT}`, '--forceflush'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      if (serving.stdout) await once(serving.stdout, 'data')
      const time = ['-t', `${seconds}`, '-O', `${omitSeconds}`]
      const way = direction === 'down' ? ['-R'] : []
      const args = ['-c', address, '-p', `${PORT}`, '-J', ...time, ...way]
      // It says in its report what went wrong, and ends with 1.
      const script = 'iperf3 "$@" || true'
      const { error, end } = Report.parse(
        JSON.parse(await lab.run(client, 'sh', ['-c', script, 'sh', ...args])),
      )
      if (end?.sum_received) return end.sum_received.bits_per_second
      if (attempt === ATTEMPTS) throw new Error(`iperf3: ${error}`)
    } finally {
      serving.kill('SIGKILL')
    }
    await wait(500)
  }
}
