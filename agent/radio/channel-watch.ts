import { join } from 'node:path'
import type { ChannelFigures } from '../../protocol/urp.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import { readKernelNames } from '../measure/kernel-file.ts'
import { readTool } from '../measure/link/asked-tool.ts'
import { type ChannelCounts, parseChannelSurvey } from './channel-survey.ts'

/** The radio counts by itself: looking rarely loses nothing but detail (docs/decisions/007). */
const LOOK_MS = 600_000

/** How busy the channel of this board's Wi-Fi was between two looks; nothing is started without Wi-Fi. */
export class ChannelWatch implements Stoppable {
  readonly #sysRoot: string
  readonly #clock: Clock
  readonly #ask: (interfaceName: string) => Promise<string | undefined>
  #timer: Timer | undefined
  #counts: ChannelCounts | undefined
  #figures: ChannelFigures | null = null
  #isStopped = false

  constructor(options: {
    readonly sysRoot: string
    readonly clock: Clock
    /** By iw, which alone is told by nl80211; another one for a recorded board. */
    readonly ask?: (interfaceName: string) => Promise<string | undefined>
  }) {
    this.#sysRoot = options.sysRoot
    this.#clock = options.clock
    this.#ask = options.ask ?? (name => readTool('iw', ['dev', name, 'survey', 'dump']))
  }

  /** Null where there is no Wi-Fi, or its driver does not count. */
  get figures(): ChannelFigures | null {
    return this.#figures
  }

  async start(): Promise<void> {
    await this.#look()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  async #look(): Promise<void> {
    const [name] = await this.#interfaces()
    if (name === undefined || this.#isStopped) return
    this.#take(parseChannelSurvey((await this.#ask(name)) ?? ''))
    if (this.#isStopped) return
    this.#timer = this.#clock.at(this.#clock.now() + LOOK_MS, () => void this.#look())
  }

  async #interfaces(): Promise<readonly string[]> {
    const radios = join(this.#sysRoot, 'class/ieee80211')
    const [radio] = await readKernelNames(radios)
    return radio === undefined ? [] : readKernelNames(join(radios, radio, 'device/net'))
  }

  #take(survey: readonly ChannelCounts[]): void {
    const now = survey.find(({ isInUse }) => isInUse)
    const before = this.#counts
    this.#counts = now
    this.#figures = now ? this.#figuresOf(now, before) : null
  }

  #figuresOf(now: ChannelCounts, before: ChannelCounts | undefined): ChannelFigures | null {
    // A driver that was started anew, or another channel, counts from zero.
    const isSame = before?.frequencyHz === now.frequencyHz && before.activeMs < now.activeMs
    const activeMs = now.activeMs - (isSame ? before.activeMs : 0)
    const busyMs = Math.max(0, now.busyMs - (isSame ? before.busyMs : 0))
    if (activeMs === 0) return null
    return {
      frequencyHz: now.frequencyHz,
      busyShare: Math.min(1, busyMs / activeMs),
      heardSeconds: activeMs / 1000,
      ...(now.noiseDbm === undefined ? {} : { noiseDbm: now.noiseDbm }),
      measuredAt: new Date(this.#clock.now()).toISOString(),
    }
  }
}
