import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'

/** A video that an agent reads as a camera, through an ffmpeg of its own. */
export class VideoCamera {
  readonly path: string

  constructor(folder: string) {
    this.path = join(folder, 'camera.mp4')
    const pictures = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10', '-t', '5']
    const output = ['-c:v', 'libx264', '-preset', 'ultrafast', this.path]
    execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', ...pictures, ...output])
  }

  /** No such file any more, and who reads it ends, as with a USB camera. */
  unplug(): void {
    renameSync(this.path, `${this.path}.gone`)
    this.#signal('SIGKILL')
  }

  plugIn(): void {
    renameSync(`${this.path}.gone`, this.path)
  }

  /** Gives nothing any more, and does not end. */
  freeze(): void {
    this.#signal('SIGSTOP')
  }

  #signal(signal: NodeJS.Signals): void {
    for (const pid of this.#readers()) process.kill(pid, signal)
  }

  #readers(): number[] {
    return readdirSync('/proc')
      .filter(entry => /^\d+$/.test(entry) && argumentsOf(entry).includes(this.path))
      .map(Number)
  }
}

/** None of a process that has ended meanwhile. */
function argumentsOf(pid: string): string[] {
  try {
    const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return program.endsWith('ffmpeg') ? args : []
  } catch {
    return []
  }
}
