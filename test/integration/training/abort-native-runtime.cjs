// Preloaded into a trainer: ends it as a native library does that is built for another processor.
if (process.argv[1]?.includes('trainer-child') && process.env.GAINNET_ORT !== 'wasm') {
  process.kill(process.pid, 'SIGILL')
}
