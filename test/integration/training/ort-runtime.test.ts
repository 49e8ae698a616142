import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { temporaryDirectory } from '../../support/directories.ts'
import { byteJob, startTrainer } from './byte-job.ts'

const STEPS = 60
/** float32 by other instructions: what rounding makes of 60 steps, with room. */
const ERROR_MAX = 1e-3

const { job } = byteJob({}, [32])

afterEach(() => {
  vi.unstubAllEnvs()
})

async function trained() {
  const trainer = await startTrainer()
  await trainer.load(job)
  const { losses } = await trainer.step({ steps: STEPS, learningRate: 0.01 })
  const { runtime, runtimeReason } = trainer
  return { losses, parameters: await trainer.parameters(), runtime, runtimeReason }
}

/** The library that the native module is linked to, but no library. */
function breakNativeRuntime(): void {
  const folder = temporaryDirectory()
  writeFileSync(join(folder, 'libonnxruntime.so.1'), '')
  vi.stubEnv('LD_LIBRARY_PATH', folder)
}

test('WebAssembly trains as the native ONNX Runtime does', async () => {
  const native = await trained()
  expect(native).toMatchObject({ runtime: 'native', runtimeReason: undefined })
  vi.stubEnv('GAINNET_ORT', 'wasm')
  const wasm = await trained()
  expect(wasm).toMatchObject({ runtime: 'wasm', runtimeReason: undefined })
  for (const [step, loss] of native.losses.entries()) {
    expect(Math.abs((wasm.losses[step] ?? Number.NaN) - loss), `step ${step + 1}`).toBeLessThan(
      ERROR_MAX,
    )
  }
  const furthest = native.parameters.reduce(
    (max, value, place) => Math.max(max, Math.abs(value - (wasm.parameters[place] ?? 0))),
    0,
  )
  expect(furthest).toBeLessThan(ERROR_MAX)
  expect(native.losses.at(-1)).toBeLessThan(native.losses[0] ?? 0)
})

test('a native library that does not load is replaced by WebAssembly, which says why', async () => {
  breakNativeRuntime()
  const { runtime, runtimeReason, losses } = await trained()
  expect(runtime).toBe('wasm')
  expect(runtimeReason).toContain('file too short')
  expect(losses).toHaveLength(STEPS)
})

test('a native library that must be taken and does not load is an error', async () => {
  breakNativeRuntime()
  vi.stubEnv('GAINNET_ORT', 'native')
  const start = startTrainer()
  await expect(start).rejects.toMatchObject({ code: 'TRAINING_FAILED' })
  await expect(start).rejects.toThrow('file too short')
})

// The last one: from here on this process takes no native library any more.
test('a native library that ends its process at once is replaced, now and from then on', async () => {
  const preload = fileURLToPath(new URL('abort-native-runtime.cjs', import.meta.url))
  vi.stubEnv('NODE_OPTIONS', `--require ${preload}`)
  for (const _ of [1, 2]) {
    const trainer = await startTrainer()
    expect(trainer.runtime).toBe('wasm')
    await trainer.load(job)
    expect((await trainer.step({ steps: 2, learningRate: 0.01 })).losses).toHaveLength(2)
  }
})
