import { ensureBuild } from './ensure-build.mjs'
import { ensureDebianPackages } from './ensure-debian-packages.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { binary, run, say } from './steps.mjs'

// `npm test`: installs what is missing, then checks the form, the types and the behaviour.
// What stands after `--` goes to vitest: `npm test -- test/unit/protocol`.
ensurePackages()
ensureDebianPackages()
check('form', binary('biome'), ['check', '--diagnostic-level=error', '.'])
check('types', binary('tsc'), ['--noEmit', '-p', 'tsconfig.json'])
process.once('exit', closeWithoutTests)
ensureBuild()
process.off('exit', closeWithoutTests)
const projects = ['--project', 'unit', '--project', 'integration']
process.exitCode = run(binary('vitest'), ['run', ...projects, ...process.argv.slice(2)])

function check(what, program, args) {
  say(`checking ${what}`)
  const code = run(program, args)
  if (code === 0) return
  closeWithoutTests()
  process.exit(code)
}

/** The closing line is there also where the tests were not reached: what failed before counts. */
function closeWithoutTests() {
  process.stdout.write('0 passed, 1 failed, 0 skipped\n')
}
