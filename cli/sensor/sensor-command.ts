import { Argument, type Command } from 'commander'
import { SERIAL_DRIVERS } from '../../firmware-bridge/drivers/registry.ts'

export function addSensorCommand(program: Command): void {
  const sensor = program.command('sensor').description('look at what sensors say')
  sensor
    .command('decode')
    .description('decode a capture with a driver: what it says, what was dropped and why')
    .addArgument(new Argument('<driver>', 'that reads it').choices(Object.keys(SERIAL_DRIVERS)))
    .argument('<file>', 'bytes as the sensor sent them, gzip or not; - for standard input')
    .option('--json', 'print every reading as JSON')
    .action(async (driver: string, file: string, options: { readonly json?: boolean }) => {
      const { runDecode } = await import('./decode.ts')
      await runDecode(driver, file, { json: options.json === true, output: process.stdout })
    })
}
