import type { Command } from 'commander'
import { type ConfigOptions, loadOptionsOf, withConfigOptions } from './config-options.ts'

interface DoctorOptions extends ConfigOptions {
  readonly user?: string
  readonly json?: boolean
}

/** What a shell script can ask for: something keeps the agent from its work. */
const EXIT_FAULT = 1

export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('look whether this machine has what an agent needs, and say what mends it')
  withConfigOptions(command)
    .option('--user <name>', 'user under whom the agent runs; gainnet where there is one')
    .option('--json', 'print the findings as JSON')
    .action(async (options: DoctorOptions) => {
      const { loadAgentConfig } = await import('../config/load-config.ts')
      const { config } = await loadAgentConfig(loadOptionsOf('agent', options))
      const { runDoctor } = await import('../agent/doctor/doctor-command.ts')
      const { procRoot, sysRoot } = config.measure
      const isWell = await runDoctor(config, {
        userName: options.user,
        json: options.json ?? false,
        output: process.stdout,
        roots: { procRoot, sysRoot, devRoot: '/dev', etcRoot: '/etc', runRoot: '/run' },
      })
      if (!isWell) process.exitCode = EXIT_FAULT
    })
}
