import { GainnetError } from '../../../../runtime/errors.ts'
import { decodeModel } from '../../../../training/onnx/onnx-codec.ts'
import { unfoldingFiles } from './unfolding-files.ts'

// Run with --expose-gc. Reads one file and says how far the memory of this process rose above that
// before, at most, as the kernel counts it.
const [name = '', byteCount] = process.argv.slice(2)
const bytes = unfoldingFiles(Number(byteCount)).get(name)
const collect = globalThis.gc
if (!bytes || !collect) throw new Error(`--expose-gc or the file "${name}" is missing`)
// What the first reading compiles is no memory of the file.
decodeModel(new Uint8Array([0x08, 10]))
collect()
const before = Math.max(process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024)
let outcome = 'was read'
try {
  decodeModel(bytes)
} catch (error) {
  outcome = error instanceof GainnetError ? error.message : `broke: ${error}`
}
const peak = process.resourceUsage().maxRSS * 1024
process.stdout.write(JSON.stringify({ risen: peak - before, outcome }))
