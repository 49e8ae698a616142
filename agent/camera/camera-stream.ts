import type { Clock, Timer } from '../../runtime/clock.ts'
import { type Deferred, deferred } from '../../runtime/deferred.ts'
import type { Stoppable } from '../../runtime/shutdown.ts'
import type { CameraAsked } from './camera-asked.ts'
import { cameraStages } from './camera-command.ts'
import { type CameraFault, type FaultKind, faultOf, faultOfEnd } from './camera-fault.ts'
import type { CameraSource } from './camera-source.ts'
import { placeOf } from './device-place.ts'
import { findProgram } from './find-program.ts'
import { firstPlaceOf, pixelBytesOf, rowMaker } from './image-row.ts'
import { ImageSplitter } from './image-splitter.ts'
import { type PlacedStage, StageChain } from './stage-chain.ts'
import { parseVideoStream, type VideoStream } from './video-stream.ts'

export interface CameraStreamOptions extends CameraAsked {
  /** The first picture counts only if it differs from the one before: the camera had been frozen. */
  readonly wasFrozen: boolean
  /** Nobody waits for the first picture any more. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /** A picture as a row, valid until the next one, and when it came. */
  readonly onRow: (row: Uint8Array, atMs: number) => void
  /** Once, when no more pictures come; not after `stop`. */
  readonly onLost: (fault: CameraFault) => void
}

/** Start of the programs, the camera's own, and the wait for a whole picture of a compressed stream. */
const FIRST_IMAGE_MS_MAX = 10_000
/** A live camera that gives nothing for so long is gone, at whatever rate … */
const SILENCE_MS_MIN = 2000
/** … and a slow one when so many pictures did not come. */
const SILENCE_PERIODS = 3
/** What came while this process was busy is read before a camera is called silent. */
const GRACE_MS = 100

/**
 * One camera, for as long as it gives pictures. It never waits: a picture that nobody takes is gone.
 * Once it is lost it stays so: who wants it back starts another stream.
 */
export class CameraStream implements Stoppable {
  readonly #options: CameraStreamOptions
  readonly #chain: StageChain
  readonly #toRow: (pixels: Uint8Array) => Uint8Array
  /** Settled by the first picture, or by what is the matter. */
  readonly #opened: Deferred<CameraFault | undefined> = deferred()
  #given: VideoStream | undefined
  #fault: CameraFault | undefined
  #isOpen = false
  #isOver = false
  #heardMs: number
  #count = 0
  #sameCount = 0
  #silence: Timer | undefined

  /** The stream when the first picture is there, else what is the matter. */
  static async start(options: CameraStreamOptions): Promise<CameraStream | CameraFault> {
    const { source, image, imagesPerSecond } = options
    const placed: PlacedStage[] = []
    for (const { programs, args } of cameraStages(source, image, imagesPerSecond)) {
      const program = findProgram(programs)
      if (program === undefined) {
        const said = `there is no ${programs[0]}`
        return faultOf('no-program', source, { place: placeOf(undefined), said })
      }
      placed.push({ program, args })
    }
    const stream = new CameraStream(placed, options)
    const giveUp = (): void => stream.#say('ended', 'nobody waits for its pictures any more')
    options.signal.addEventListener('abort', giveUp)
    const fault = await stream.#opened.promise
    options.signal.removeEventListener('abort', giveUp)
    if (!fault) return stream
    await stream.stop()
    return fault
  }

  private constructor(stages: readonly PlacedStage[], options: CameraStreamOptions) {
    const { source, image, clock } = options
    this.#options = options
    this.#toRow = rowMaker(image)
    const splitter = new ImageSplitter({
      imageBytes: pixelBytesOf(image),
      firstAt: firstPlaceOf(image),
      onImage: (bytes, isSame) => this.#take(bytes, isSame),
    })
    this.#chain = new StageChain(stages, {
      bytes: bytes => splitter.push(bytes),
      line: line => {
        // The first is of what the camera gives, the second of what becomes of it.
        this.#given ??= parseVideoStream(line)
      },
    })
    void this.#chain.ended.then(ends => {
      if (!this.#isOver) this.#lose(faultOfEnd(source, ends, placeOf(pathOf(source))))
    })
    this.#heardMs = clock.now()
    this.#listen(FIRST_IMAGE_MS_MAX)
  }

  /** What the camera gives; undefined until ffmpeg has said so. */
  get given(): VideoStream | undefined {
    return this.#given
  }

  /** Why it is over; undefined while it is not, or where nobody wanted it any more. */
  get fault(): CameraFault | undefined {
    return this.#fault
  }

  get pids(): readonly number[] {
    return this.#chain.pids
  }

  cpuSeconds(): number {
    return this.#chain.cpuSeconds()
  }

  /** Ends the programs; resolves when the camera is free for others. */
  async stop(): Promise<void> {
    this.#isOver = true
    this.#silence?.cancel()
    await this.#chain.stop()
  }

  #take(pixels: Uint8Array, isSame: boolean): void {
    if (this.#isOver) return
    const { clock, frozenPeriods, wasFrozen, onRow } = this.#options
    this.#heardMs = clock.now()
    this.#sameCount = isSame ? this.#sameCount + 1 : 0
    if (this.#sameCount >= frozenPeriods) {
      this.#say('frozen', `${frozenPeriods} pictures without any change`)
      return
    }
    const isNews = this.#count > 0 && !isSame
    this.#count += 1
    if (!this.#isOpen && (isNews || !wasFrozen)) this.#open()
    if (this.#isOpen) onRow(this.#toRow(pixels), this.#heardMs)
  }

  #open(): void {
    this.#isOpen = true
    this.#opened.resolve(undefined)
    this.#silence?.cancel()
    this.#listen(this.#silenceMs)
  }

  get #silenceMs(): number {
    return Math.max(SILENCE_MS_MIN, (SILENCE_PERIODS * 1000) / this.#options.imagesPerSecond)
  }

  /** Looks when a picture must have come; no timer is moved for each picture. */
  #listen(limitMs: number): void {
    const { clock } = this.#options
    const look = (): void => {
      const silentMs = clock.now() - this.#heardMs
      if (silentMs < limitMs) {
        this.#listen(limitMs)
        return
      }
      this.#say('silent', `no picture for ${Math.round(silentMs / 100) / 10} s`)
    }
    this.#silence = clock.at(this.#heardMs + limitMs, () => {
      this.#silence = clock.at(clock.now() + GRACE_MS, look)
    })
  }

  #say(kind: FaultKind, said: string): void {
    this.#lose(faultOf(kind, this.#options.source, { place: placeOf(undefined), said }))
  }

  #lose(fault: CameraFault): void {
    this.#fault = fault
    void this.stop()
    if (this.#isOpen) this.#options.onLost(fault)
    else this.#opened.resolve(fault)
  }
}

function pathOf(source: CameraSource): string | undefined {
  if (source.from === 'v4l2') return source.device
  return source.from === 'file' ? source.path : undefined
}
