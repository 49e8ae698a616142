import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { exitCodeOf, failureText } from '../../../cli/failure.ts'
import { buildProgram } from '../../../cli/program.ts'
import { GainnetError } from '../../../runtime/errors.ts'
import { ROOT } from '../../support/root.ts'

/** The program with its words kept, and how parsing ends. */
async function callOf(args: readonly string[]) {
  const program = buildProgram()
  let [out, err] = ['', '']
  for (const command of allOf(program)) {
    command.configureOutput({
      writeOut: text => {
        out += text
      },
      writeErr: text => {
        err += text
      },
    })
  }
  const exitCode = await program
    .parseAsync([...args], { from: 'user' })
    .then(() => 0)
    .catch(error => {
      err += failureText(error)
      return exitCodeOf(error)
    })
  return { exitCode, out, err }
}

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}

describe('a call', () => {
  test.each([
    [['agnet'], '(Did you mean agent?)'],
    [['agent', 'extra'], 'too many arguments'],
    [['agent', '--confg', 'x'], '(Did you mean --config?)'],
    [['agent', '--config'], 'argument missing'],
    [['agent', '--set', 'x'], "'x' is invalid. It must be key=value"],
    [['agent', '--set', '=x'], "'=x' is invalid. It must be key=value"],
    [['config', 'show'], "missing required argument 'daemon'"],
    [['config', 'show', 'agents'], 'Allowed choices are agent, controller.'],
    [['controller', 'credential'], "missing required argument 'name'"],
    [['controller', 'credential', 'Pi 4'], 'name "Pi 4" must be 1 to 64 characters'],
    [['demo', '--agents', '0'], "'0' is invalid. It must be a whole number from 1 to 16."],
    [['demo', '--agents', '-1'], "'-1' is invalid"],
    [['demo', '--rounds', '1e3'], "'1e3' is invalid. It must be a whole number from 1 to 1000."],
    [['demo', '--rounds', ''], "'' is invalid"],
    [['measure', 'memory'], 'Allowed choices are link, compute, spectrum, sensors.'],
    [['measure', '--json', '--csv'], '--json and --csv: take one of them'],
    [['measure', 'sensors', '--seconds', '0'], 'It must be a whole number from 1 to 3600.'],
    [['measure', 'spectrum', '--csvs'], '(Did you mean --csv?)'],
    [['urp', 'shwo'], '(Did you mean show?)'],
    [['urp', 'diff'], "missing required argument 'before'"],
    [['urp', 'diff', 'a', '--rounds', '7'], 'It must be two rounds, e.g. 12,15.'],
    [['urp', 'export', 'a', '--per', 'core'], 'Allowed choices are slot, unit.'],
    [['urp', 'record', 'a', '--bytes', '-1'], 'It must be a whole number from 1 to'],
    [['urp', 'record', 'a', '--duration', '1e9'], 'It must be a whole number from 1 to 2000000.'],
    [['urp', 'replay', 'a', '--speed', '0'], 'It must be a number above 0, at most 1000000.'],
    [['urp', 'replay', 'a', '--pace', 'slow'], 'Allowed choices are rounds, recorded.'],
    [['demo', '--broker', 'other'], 'Allowed choices are embedded, mosquitto.'],
  ])('%j exits with 64 and says why', async (args, text) => {
    const { exitCode, out, err } = await callOf(args)
    expect(exitCode).toBe(64)
    expect(out).toBe('')
    expect(err).toContain(text)
  })

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(await callOf(['--version'])).toEqual({ exitCode: 0, out: `${version}\n`, err: '' })
  })

  test('--help goes to standard output, a call without a command to standard error', async () => {
    const help = await callOf(['--help'])
    expect(help).toMatchObject({ exitCode: 0, err: '' })
    expect(await callOf([])).toEqual({ exitCode: 64, out: '', err: help.out })
  })
})

describe('a failure', () => {
  test('with a code is a message and a help line, without a stack', () => {
    const error = new GainnetError('BROKER_UNREACHABLE', 'no answer from mqtt://edge')
    expect(exitCodeOf(error)).toBe(69)
    expect(failureText(error)).toBe(
      'gainnet: no answer from mqtt://edge\n' +
        '  help: Check broker.url and the network. (docs/reference/errors.md#broker_unreachable)\n',
    )
  })

  test.each([new TypeError('x is undefined'), 'a text', undefined])(
    'without a code (%s) is ours: 70, and all that is known',
    error => {
      expect(exitCodeOf(error)).toBe(70)
      expect(failureText(error)).toContain(String(error))
    },
  )
})

describe('the page of the command line', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/cli.md'), 'utf8')
  const sections = page.split(/^## /m).slice(1)

  /** Options of a command as rows; --help is on every command and stands on the page once. */
  function rowsOf(command: Command): string[] {
    return command
      .createHelp()
      .visibleOptions(command)
      .filter(({ long }) => long !== '--help' || command.parent === null)
      .map(({ flags, description }) => `| \`${flags}\` | ${description} |`)
  }

  function titleOf(command: Command): string {
    const names: string[] = []
    for (let at: Command | null = command; at; at = at.parent) names.unshift(at.name())
    const argumentsOf = command.registeredArguments.map(argument =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
    )
    return [...names, ...argumentsOf].join(' ')
  }

  test('has a section for each command and a command for each section', () => {
    const titles = sections.map(section => section.split('\n')[0])
    expect(titles).toEqual(allOf(buildProgram()).map(titleOf))
  })

  test('has the description and the options of each command, and no others', () => {
    for (const command of allOf(buildProgram())) {
      const section = sections.find(text => text.startsWith(`${titleOf(command)}\n`)) ?? ''
      expect(section).toContain(`\n${command.description()}\n`)
      expect(section.match(/^\| `.*$/gm) ?? [], titleOf(command)).toEqual(rowsOf(command))
    }
  })
})
