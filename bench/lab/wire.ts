import { z } from 'zod'
import { DelayLine } from './delay-line.ts'
import { iprouteIn } from './namespaces.ts'

/** One direction of a wire. What is not said is not there: no limit, no delay, no loss. */
export interface Path {
  /** Of Ethernet frames without preamble and checksum, as tbf counts them. */
  readonly bitsPerSecond?: number
  readonly delayMs?: number
  /** Nearly all delays are within this of `delayMs`, normally distributed; order is kept. */
  readonly jitterMs?: number
  /** Share of frames that are lost, each for itself. */
  readonly lossShare?: number
}

/** Up leads from the first end of the wire to the second. */
export interface Shape {
  readonly up?: Path
  readonly down?: Path
}

export interface WireEnd {
  readonly namespace: string
  /** IPv4, without the length of its prefix. */
  readonly address: string
}

export interface Passed {
  readonly frames: number
  readonly bytes: number
}

/** The part of `ip -json -statistics link` that is used. */
const LinkStatistics = z.tuple([
  z.object({ stats64: z.object({ rx: z.object({ bytes: z.number(), packets: z.number() }) }) }),
])

/** Ethernet frame of the largest IPv4 packet, without preamble and checksum. */
export const FRAME_BYTES = 1514
/** Of it, what TCP with time stamps carries for its user (RFC 793, RFC 7323). */
export const TCP_PAYLOAD_BYTES = 1448
/** What a TCP connection delivers at best through a path of such a rate. */
export const TCP_PAYLOAD_SHARE = TCP_PAYLOAD_BYTES / FRAME_BYTES

/**
 * A bucket that holds more lets a probe through at the speed of the machine: 64 kB at 50 Mbit/s read
 * 84. One that holds less than the kernel's timers are late makes the wire slower than it says.
 */
const BURST_SECONDS = 0.004
const BURST_BYTES_MIN = 2 * FRAME_BYTES
/** The queue before the bottleneck, as at a home router: a round trip of it, and 50 ms at least. */
const QUEUE_SECONDS_MIN = 0.05
const QUEUE_FRAMES_MIN = 20

/**
 * An Ethernet wire between two namespaces. Its middle is in a namespace of its own, where frames that
 * come out of one end are redirected to the other: through the delay line where they are delayed, else
 * straight. There they are lost by a filter that draws lots, and shaped at the way out by tbf, so that
 * what the bottleneck drops is lost on the way and not held back in the sender's own queue.
 */
export class Wire {
  readonly a: WireEnd
  readonly b: WireEnd
  readonly #middle: string
  readonly #index: number
  #delayLine: DelayLine | null = null
  #shape: Shape = {}
  #isCut = false

  constructor(o: {
    readonly a: WireEnd
    readonly b: WireEnd
    readonly middle: string
    readonly index: number
  }) {
    this.a = o.a
    this.b = o.b
    this.#middle = o.middle
    this.#index = o.index
    this.#pull(this.a, this.#portA)
    this.#pull(this.b, this.#portB)
    this.#redirect()
  }

  get #portA(): string {
    return `a${this.#index}`
  }

  get #portB(): string {
    return `b${this.#index}`
  }

  /** Takes effect at once, also while there is traffic; replaces the shape before. */
  async shape(shape: Shape): Promise<void> {
    this.#shape = shape
    const { up = {}, down = {} } = shape
    if (!this.#delayLine && (isDelayed(up) || isDelayed(down))) {
      this.#delayLine = await DelayLine.lay({ namespace: this.#middle, index: this.#index })
    }
    await this.#delayLine?.delay({ up, down })
    const rttMs = (up.delayMs ?? 0) + (down.delayMs ?? 0)
    this.#limit(this.#portB, up, rttMs)
    this.#limit(this.#portA, down, rttMs)
    if (!this.#isCut) this.#redirect()
  }

  /** No frame passes from now on, as if the cable were pulled out of the far switch: no carrier lost. */
  cut(): void {
    this.#isCut = true
    this.#redirect()
  }

  mend(): void {
    this.#isCut = false
    this.#redirect()
  }

  /** Frames and their bytes that came in at each end since the wire was pulled, lost ones included. */
  passed(): { readonly up: Passed; readonly down: Passed } {
    return { up: this.#cameIn(this.#portA), down: this.#cameIn(this.#portB) }
  }

  /** Ends what runs for the wire; its interfaces end with their namespace. */
  async remove(): Promise<void> {
    await this.#delayLine?.remove()
    this.#delayLine = null
  }

  #pull(end: WireEnd, port: string): void {
    const device = `eth${this.#index}`
    const { namespace, address } = end
    this.#middleIp(
      'link',
      'add',
      'name',
      port,
      'type',
      'veth',
      'peer',
      'name',
      device,
      'netns',
      namespace,
    )
    const ip = (...args: readonly string[]) => iprouteIn(namespace, 'ip', args)
    ip('addr', 'add', `${address}/24`, 'dev', device)
    // A frame is a packet, as on a real wire: loss and burst are meant of packets, and the kernel
    // would hand over 64 kB at once.
    ip('link', 'set', device, 'gso_max_segs', '1', 'up')
    this.#middleIp('link', 'set', port, 'up')
    this.#middleTc('qdisc', 'add', 'dev', port, 'clsact')
  }

  #cameIn(port: string): Passed {
    const text = this.#middleIp('-j', '-s', 'link', 'show', 'dev', port)
    const [{ stats64 }] = LinkStatistics.parse(JSON.parse(text))
    return { frames: stats64.rx.packets, bytes: stats64.rx.bytes }
  }

  #limit(port: string, { bitsPerSecond }: Path, rttMs: number): void {
    if (bitsPerSecond === undefined) {
      // An error where there is none.
      if (this.#middleTc('qdisc', 'show', 'dev', port, 'root').includes('tbf'))
        this.#middleTc('qdisc', 'del', 'dev', port, 'root')
      return
    }
    const bytesPerSecond = bitsPerSecond / 8
    const burst = Math.max(BURST_BYTES_MIN, bytesPerSecond * BURST_SECONDS)
    const queueSeconds = Math.max(QUEUE_SECONDS_MIN, rttMs / 1000)
    const queue = Math.max(QUEUE_FRAMES_MIN * FRAME_BYTES, bytesPerSecond * queueSeconds)
    const size = ['burst', `${Math.ceil(burst)}`, 'limit', `${Math.ceil(queue + burst)}`]
    const rate = ['rate', `${Math.round(bitsPerSecond)}bit`]
    this.#middleTc('qdisc', 'replace', 'dev', port, 'root', 'tbf', ...rate, ...size)
  }

  #redirect(): void {
    const { up = {}, down = {} } = this.#shape
    const line = this.#delayLine
    const [a, b] = [this.#portA, this.#portB]
    this.#forward(a, line && isDelayed(up) ? line.nearTap : b, up)
    this.#forward(b, line && isDelayed(down) ? line.farTap : a, down)
    if (!line) return
    this.#forward(line.nearTap, a, {})
    this.#forward(line.farTap, b, {})
  }

  /** Sends what comes in at one device of the middle out at another. */
  #forward(from: string, to: string, { lossShare = 0 }: Path): void {
    const filter = ['dev', from, 'ingress', 'protocol', 'all', 'pref', '1', 'handle', '1']
    if (this.#middleTc('filter', 'show', 'dev', from, 'ingress') !== '')
      this.#middleTc('filter', 'del', 'dev', from, 'ingress')
    if (this.#isCut) return
    const program = ['bpf', 'bytecode', lottery(lossShare)]
    const redirect = ['action', 'mirred', 'egress', 'redirect', 'dev', to]
    this.#middleTc('filter', 'add', ...filter, ...program, ...redirect)
  }

  #middleIp(...args: readonly string[]): string {
    return iprouteIn(this.#middle, 'ip', args)
  }

  #middleTc(...args: readonly string[]): string {
    return iprouteIn(this.#middle, 'tc', args)
  }
}

function isDelayed({ delayMs = 0 }: Path): boolean {
  return delayMs > 0
}

/**
 * Classic BPF that matches all but a random share of frames (linux/filter.h: load the ancillary word
 * SKF_AD_OFF + SKF_AD_RANDOM; match where it is not below the limit). The kernel here has no netem.
 */
function lottery(lossShare: number): string {
  const limit = Math.min(2 ** 32 - 1, Math.round(lossShare * 2 ** 32))
  return `4,32 0 0 4294963256,53 0 1 ${limit},6 0 0 4294967295,6 0 0 0`
}
