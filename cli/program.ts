import { Command } from 'commander'
import { packageVersion } from '../runtime/version.ts'
import { addAgentCommand } from './agent-command.ts'
import { addConfigCommand } from './config-command.ts'
import { addControllerCommand } from './controller-command.ts'
import { addDemoCommand } from './demo-command.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { addExplainCommand } from './explain/explain-command.ts'
import { addFirmwareCommand } from './firmware/firmware-command.ts'
import { addMeasureCommand } from './measure-command.ts'
import { addModelCommand } from './model/model-command.ts'
import { addPolicyCommand } from './policy/policy-command.ts'
import { addSensorCommand } from './sensor/sensor-command.ts'
import { addTextCommand } from './text/text-command.ts'
import { addUrpCommand } from './urp/urp-command.ts'

/** The command line. Each command imports its room when it is run, so that --help is quick. */
export function buildProgram(): Command {
  const program = new Command('gainnet')
    .description('Generative models that learn from edge devices.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('--help', 'print what a command takes')
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
  addAgentCommand(program)
  addControllerCommand(program)
  addMeasureCommand(program)
  addUrpCommand(program)
  addDoctorCommand(program)
  addExplainCommand(program)
  addConfigCommand(program)
  addDemoCommand(program)
  addModelCommand(program)
  addPolicyCommand(program)
  addSensorCommand(program)
  addTextCommand(program)
  addFirmwareCommand(program)
  return program
}
