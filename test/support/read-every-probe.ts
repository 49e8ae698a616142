import { join } from 'node:path'
import { type Probe, runProbe } from '../../agent/measure/probe.ts'
import { buildProbes } from '../../agent/measure/registry.ts'
import { createLogger } from '../../runtime/logger.ts'

// A program of its own, so that a test can run it as another user: reads every probe of files below
// a folder and prints what came of each.
const [root = '/'] = process.argv.slice(2)
const log = createLogger({ daemon: 'test', level: 'silent' })
const roots = { procRoot: join(root, 'proc'), sysRoot: join(root, 'sys') }
const {
  compute: _,
  link: __,
  ...probes
} = buildProbes({ link: { peer: () => undefined, bytesMax: 1 }, filesRoot: root })
const outcomes: Record<string, unknown> = {}
for (const [name, probe] of Object.entries(probes)) {
  const {
    cost: ___,
    durationMs: ____,
    ...result
  } = await runProbe(probe as Probe<unknown>, {
    roots,
    log,
  })
  outcomes[name] = result
}
process.stdout.write(JSON.stringify(outcomes))
