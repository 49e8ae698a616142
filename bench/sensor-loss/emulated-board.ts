import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endWithUs } from './end-with-us.ts'

/** The sources, also beside a build in dist/. */
export const FIRMWARE = firmwareFolder()

const TOOLS = ['make', 'gcc', 'arm-none-eabi-gcc', 'qemu-system-arm']
/** Those that this machine lacks; what needs the firmware is left out without them. */
export const missingFirmwareTools = TOOLS.filter(
  tool => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0,
)

let builtFirmware: string | undefined

/** The ELF file for the emulated board, built once a process. */
function firmware(): string {
  if (builtFirmware === undefined) {
    const build = mkdtempSync(join(tmpdir(), 'gainnet-firmware-'))
    process.once('exit', () => rmSync(build, { recursive: true, force: true }))
    execFileSync('make', ['-s', '-C', FIRMWARE, `BUILD=${build}`], { stdio: 'pipe' })
    builtFirmware = join(build, 'lm3s6965.elf')
  }
  return builtFirmware
}

/** A Cortex-M3 that runs our firmware, at a pseudo-terminal. */
export class EmulatedBoard {
  readonly path: string
  readonly #child: ChildProcess

  /** Boards of different `number` differ in their unique id. */
  static async start({
    number = 1,
    link,
  }: {
    readonly number?: number
    /** Leads to its terminal, as udev's links do. */
    readonly link?: string
  } = {}): Promise<EmulatedBoard> {
    const machine = ['-M', 'lm3s6965evb', '-kernel', firmware(), '-accel', 'tcg']
    const mac = `52:54:00:00:00:${number.toString(16).padStart(2, '0')}`
    const child = spawn(
      'qemu-system-arm',
      [...machine, '-nic', `user,mac=${mac},restrict=on`, '-display', 'none'].concat([
        '-monitor',
        'none',
        '-serial',
        'pty',
      ]),
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    endWithUs(child)
    const path = await terminalOf(child)
    if (link !== undefined) {
      rmSync(link, { force: true })
      symlinkSync(path, link)
    }
    return new EmulatedBoard(child, path)
  }

  private constructor(child: ChildProcess, path: string) {
    this.#child = child
    this.path = path
  }

  /** Its port stays open and nothing comes of it. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  async unplug(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

function terminalOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const read = (chunk: Buffer): void => {
      said += chunk
      const path = /redirected to (\/dev\/pts\/\d+)/.exec(said)?.[1]
      if (path) resolve(path)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`QEMU ended with ${code}: ${said}`)))
  })
}

function firmwareFolder(): string {
  const beside = fileURLToPath(new URL('../../firmware-bridge/firmware', import.meta.url))
  return existsSync(join(beside, 'Makefile'))
    ? beside
    : fileURLToPath(new URL('../../../firmware-bridge/firmware', import.meta.url))
}
