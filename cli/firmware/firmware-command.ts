import { type Command, InvalidArgumentError } from 'commander'

export interface LinkOptions {
  readonly baud: number
  readonly json?: boolean
}

export function addFirmwareCommand(program: Command): void {
  const firmware = program.command('firmware').description('boards at serial ports')
  firmware
    .command('list')
    .description('the serial ports of this machine and what hangs at them')
    .option('--json', 'print JSON')
    .action(async (options: { readonly json?: boolean }) => {
      const { runList } = await import('./list.ts')
      await runList({ json: options.json === true, output: process.stdout })
    })
  withLinkOptions(
    firmware.command('identify').description('ask a board who it is and whether it is well'),
  ).action(async (port: string, options: LinkOptions) => {
    const { runIdentify } = await import('./identify.ts')
    await runIdentify(port, options)
  })
  withLinkOptions(
    firmware
      .command('monitor')
      .description('show what a board says until interrupted: samples, losses, its clock'),
  )
    .option('--rate <hertz>', 'sample its channel 0 at this rate', rateOf)
    .option('--seconds <count>', 'end after so long', secondsOf)
    .action(async (port: string, options: LinkOptions & MonitorOptions) => {
      const { runMonitor } = await import('./monitor.ts')
      await runMonitor(port, options)
    })
}

export interface MonitorOptions {
  readonly rate?: number
  readonly seconds?: number
}

function withLinkOptions(command: Command): Command {
  return command
    .argument('<port>', 'path of the port, or vid:pid:serial of the board')
    .option('--baud <rate>', 'speed of the line', baudOf, 115_200)
    .option('--json', 'print JSON')
}

function baudOf(text: string): number {
  return between(text, 1200, 4_000_000)
}

function rateOf(text: string): number {
  return between(text, 0.001, 100_000)
}

function secondsOf(text: string): number {
  return between(text, 1, 86_400)
}

function between(text: string, least: number, greatest: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= greatest) return value
  throw new InvalidArgumentError(`It must be a number from ${least} to ${greatest}.`)
}
