import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Frame } from '../../firmware-bridge/frame-codec.ts'
import { FrameParser } from '../../firmware-bridge/frame-parser.ts'
import { SerialLine } from '../../firmware-bridge/serial/serial-line.ts'
import { withDeadline } from '../../runtime/deadline.ts'
import { GainnetError } from '../../runtime/errors.ts'
import type { FrameStream } from './frame-stream.ts'

const BAUD_RATE = 921_600
const CHUNK_BYTES = 2048
const RUN_MS_MAX = 300_000
/** After the last byte: what comes later than that does not come. */
const QUIET_MS = 1000

export interface TerminalRun {
  readonly bytes: number
  /** Frames that the noise did not touch and that did not arrive. */
  readonly lost: number
  /** Frames that arrived and were never sent. */
  readonly changed: number
}

/** The stream into one end of a pair of pseudo-terminals and out of the other. */
export async function throughTerminal(stream: FrameStream): Promise<TerminalRun> {
  const folder = mkdtempSync(join(tmpdir(), 'gainnet-bench-'))
  const ends = ['a', 'b'].map(name => join(folder, name))
  const socat = spawn(
    'socat',
    ends.map(path => `pty,raw,echo=0,link=${path}`),
    { stdio: 'ignore' },
  )
  const failed = once(socat, 'error').then(() => {
    throw new GainnetError('USAGE', 'this bench needs socat: apt-get install socat')
  })
  try {
    const opened = waitForPaths(ends)
    await Promise.race([opened, failed])
    const run = withDeadline(transfer(stream, ends), { ms: RUN_MS_MAX, what: 'the stream' })
    return await Promise.race([run, failed])
  } finally {
    socat.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function waitForPaths(paths: readonly string[]): Promise<void> {
  const work = async (): Promise<void> => {
    while (!paths.every(path => existsSync(path))) await wait(10)
  }
  await withDeadline(work(), { ms: 10_000, what: 'the pseudo-terminals' })
}

async function transfer(
  { wire, frames, hit }: FrameStream,
  [from = '', to = '']: readonly string[],
): Promise<TerminalRun> {
  const parser = new FrameParser()
  const arrived = new Set<number>()
  let [bytes, changed, lastMs] = [0, 0, performance.now()]
  parser.on('data', ({ payload }: Frame) => {
    const number = numberOf(payload)
    if (number === null || number >= frames || hit.has(number)) changed += 1
    else arrived.add(number)
  })
  const ignore = (): void => undefined
  const receiver = await SerialLine.open(
    { path: to, baudRate: BAUD_RATE },
    {
      bytes: chunk => {
        bytes += chunk.length
        lastMs = performance.now()
        parser.write(chunk)
      },
      end: ignore,
    },
  )
  const sender = await SerialLine.open(
    { path: from, baudRate: BAUD_RATE },
    { bytes: ignore, end: ignore },
  )
  for (let at = 0; at < wire.length; ) {
    const chunk = wire.subarray(at, at + CHUNK_BYTES)
    if (sender.write(chunk)) at += chunk.length
    else await wait(1)
  }
  while (bytes < wire.length && performance.now() - lastMs < QUIET_MS) await wait(20)
  await Promise.all([sender.close(), receiver.close()])
  return { bytes, lost: frames - hit.size - arrived.size, changed }
}

function numberOf(payload: Uint8Array): number | null {
  if (payload.length < 4) return null
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0, true)
}
