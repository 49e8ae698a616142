import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuild } from './ensure-build.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { mustRun, ROOT, say } from './steps.mjs'

// `npm run policy`: the learned policy that the package ships is in dist/ afterwards. It takes minutes;
// what is interrupted goes on at the next call, and a policy that is there stays until it is removed.
ensurePackages()
ensureBuild()
const shipped = join(ROOT, 'dist', 'policy.onnx')
if (existsSync(shipped)) say(`${shipped} is there`)
else {
  const folder = join(ROOT, '.gainnet', 'policy')
  mkdirSync(folder, { recursive: true })
  const [out, checkpoint] = [join(folder, 'policy.onnx'), join(folder, 'checkpoint')]
  const goOn = existsSync(checkpoint) ? ['--resume'] : []
  const main = join(ROOT, 'dist', 'cli', 'main.js')
  mustRun(process.execPath, [
    ...[main, 'policy', 'train', '--out', out, '--checkpoint', checkpoint],
    ...goOn,
  ])
  copyFileSync(out, shipped)
  rmSync(folder, { recursive: true })
}
