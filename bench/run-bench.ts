import { parseArgs } from 'node:util'
import { ERRORS } from '../runtime/errors.ts'
import { type Bench, benchDocument, jsonLine, textTable } from './bench-report.ts'
import { BENCHES } from './registry.ts'

/** `npm run bench [-- <name> [--json] [--quick] [--traces DIR] [--holdout]]` */
async function runBench(argv: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      traces: { type: 'string' },
      holdout: { type: 'boolean' },
    },
  })
  const [name] = positionals
  if (name === undefined) {
    process.stdout.write(benchList())
    return 0
  }
  const bench = BENCHES.find(known => known.name === name)
  if (!bench) {
    process.stderr.write(`there is no bench ${name}\n${benchList()}`)
    return ERRORS.USAGE.exitCode
  }
  const at = new Date()
  const { quick = false, traces, holdout } = values
  const document = benchDocument(name, at, await bench.run({ quick, traces, holdout }))
  process.stdout.write(values.json ? jsonLine(document) : textTable(document))
  return 0
}

function benchList(): string {
  const width = Math.max(...BENCHES.map(({ name }) => name.length))
  const line = ({ name, minutes, description }: Bench): string =>
    `  ${name.padEnd(width)}  ${String(minutes).padStart(3)} min  ${description}\n`
  return `npm run bench -- <name> [--json] [--quick] [--traces DIR] [--holdout]\n\n${BENCHES.map(line).join('')}`
}

process.exitCode = await runBench(process.argv.slice(2))
