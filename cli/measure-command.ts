import { Argument, type Command } from 'commander'
import type { AgentConfig } from '../config/agent-schema.ts'
import { type ConfigOptions, loadOptionsOf, withConfigOptions } from './config-options.ts'
import { wholeNumber } from './whole-number.ts'

interface MeasureOptions extends ConfigOptions {
  readonly json?: boolean
  readonly csv?: boolean
  readonly explain?: boolean
  readonly link?: boolean
  readonly seconds: number
}

const PARTS = ['link', 'compute', 'spectrum', 'sensors'] as const
type Part = (typeof PARTS)[number]

/** Long enough for a mean, short enough to wait for. */
const SENSOR_SECONDS = 5

export function addMeasureCommand(program: Command): void {
  const command = program
    .command('measure')
    .description('measure once and show what this machine can do; needs no controller')
    .addArgument(new Argument('[part]', 'only this part; everything if left out').choices(PARTS))
  withConfigOptions(command)
    .option('--link', 'measure the link to the configured controller too')
    .option('--explain', 'say of each figure how it came about, and what was left out and why')
    .option('--json', 'print the URP document as JSON')
    .option('--csv', 'print a row for each figure')
    .option(
      '--seconds <count>',
      'record each sensor for so long',
      wholeNumber({ min: 1, max: 3600 }),
      SENSOR_SECONDS,
    )
    .action(measureOnce)
}

async function measureOnce(
  part: Part | undefined,
  options: MeasureOptions,
  command: Command,
): Promise<void> {
  const { json = false, csv = false, explain = false, seconds } = options
  if (json && csv) command.error('error: --json and --csv: take one of them')
  const { loadAgentConfig } = await import('../config/load-config.ts')
  const { config } = await loadAgentConfig(loadOptionsOf('agent', options))
  const common = { json, csv, explain, output: process.stdout }
  if (part === 'spectrum') {
    const { measureSpectrum } = await import('../agent/measure-command/measure-spectrum.ts')
    return measureSpectrum(config, common)
  }
  if (part === 'sensors') {
    const { measureSensors } = await import('../agent/measure-command/measure-sensors.ts')
    return measureSensors(config, { ...common, seconds })
  }
  const { measure } = await import('../agent/measure-command/measure-command.ts')
  if (!options.link && part !== 'link') return measure(config, { ...common, ...partOf(part) })
  return withLink(config, link => measure(config, { ...common, ...partOf(part), link }))
}

function partOf(part: 'link' | 'compute' | undefined) {
  return part === undefined ? {} : { part }
}

type MeasuringLink = import('../agent/measure-command/measuring-link.ts').MeasuringLink

async function withLink(
  config: AgentConfig,
  work: (link: MeasuringLink) => Promise<void>,
): Promise<void> {
  const { createLogger } = await import('../runtime/logger.ts')
  const { openMeasuringLink } = await import('../agent/measure-command/measuring-link.ts')
  const link = await openMeasuringLink(config, createLogger({ daemon: 'measure', level: 'silent' }))
  try {
    await work(link)
  } finally {
    await link.close()
  }
}
