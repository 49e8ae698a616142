import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf } from '../../runtime/errors.ts'
import { TrainerProcess } from '../../training/trainer/trainer-process.ts'
import { absent, type Check, type Finding, fault, ok, warning } from './check.ts'

/** That of Debian 10 and of JetPack 5: what Node.js 20 and ONNX Runtime are built for. */
const GLIBC_MIN = [2, 28] as const
/** Pages with which everything that ships natively here was run. */
const PAGE_BYTES = new Set([4096, 16_384])

/** What training stands on: C library, size of pages, and whether ONNX Runtime runs here at all. */
export const runtimeCheck: Check = {
  name: 'training runtime',
  durationMsMax: 70_000,
  async run({ signal }) {
    return [
      glibcFinding(glibcVersion()),
      pageFinding(await pageBytes(signal)),
      await trainerFinding(signal),
    ]
  },
}

function glibcVersion(): string | undefined {
  const report: unknown = process.report.getReport()
  const header = typeof report === 'object' && report && 'header' in report ? report.header : null
  if (typeof header !== 'object' || !header || !('glibcVersionRuntime' in header)) return undefined
  return String(header.glibcVersionRuntime)
}

export function glibcFinding(version: string | undefined): Finding {
  const wanted = GLIBC_MIN.join('.')
  const remedy = `take a system with glibc ${wanted} or newer: Debian 11, Ubuntu 20.04, JetPack 5`
  if (version === undefined)
    return warning('this system has no glibc that tells its version', remedy)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < GLIBC_MIN[0] || (major === GLIBC_MIN[0] && minor < GLIBC_MIN[1])
  return isOld ? fault(`glibc ${version} is older than ${wanted}`, remedy) : ok(`glibc ${version}`)
}

async function pageBytes(signal: AbortSignal): Promise<number | undefined> {
  const run = promisify(execFile)
  const { stdout } = await run('getconf', ['PAGESIZE'], { signal }).catch(() => ({ stdout: '' }))
  return stdout.trim() === '' ? undefined : Number(stdout)
}

export function pageFinding(bytes: number | undefined): Finding {
  if (bytes === undefined) return absent('getconf does not tell the size of pages')
  if (PAGE_BYTES.has(bytes)) return ok(`pages of ${bytes} bytes`)
  return warning(
    `pages of ${bytes} bytes, with which ONNX Runtime was not tried`,
    'on a Raspberry Pi: kernel=kernel8.img in /boot/firmware/config.txt gives pages of 4096',
  )
}

/** In a child: a processor that lacks an instruction ends it, and not us. */
async function trainerFinding(signal: AbortSignal): Promise<Finding> {
  try {
    const trainer = await TrainerProcess.start({ signal })
    const { runtime, runtimeReason } = trainer
    await trainer.stop()
    if (runtime === 'native') return ok('ONNX Runtime runs natively')
    return warning(
      `ONNX Runtime runs as WebAssembly, several times slower: ${runtimeReason ?? 'GAINNET_ORT asks for it'}`,
      'unset GAINNET_ORT to try the native library again',
    )
  } catch (error) {
    return fault(`no training is possible: ${messageOf(error)}`, 'GAINNET_ORT=wasm gainnet doctor')
  }
}
