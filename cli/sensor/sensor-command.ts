import { Argument, type Command } from 'commander'
import { SERIAL_DRIVERS } from '../../firmware-bridge/drivers/registry.ts'
import { wholeNumber } from '../whole-number.ts'

/** Recorded samples of a radio: no serial sensor, but decoded all the same. */
const IQ = 'iq'
const BLOCKS = 16

interface DecodeOptions {
  readonly json?: boolean
  readonly rate?: number
  readonly format?: string
  readonly blocks: number
  readonly slotMs?: number
}

const hertz = wholeNumber({ min: 1000, max: 1_000_000_000 })
const blockCount = wholeNumber({ min: 1, max: 64 })
const slotLength = wholeNumber({ min: 1, max: 60_000 })

export function addSensorCommand(program: Command): void {
  const sensor = program.command('sensor').description('look at what sensors say')
  sensor
    .command('decode')
    .description('decode a capture with a driver: what it says, what was dropped and why')
    .addArgument(
      new Argument('<driver>', 'that reads it').choices([...Object.keys(SERIAL_DRIVERS), IQ]),
    )
    .argument('<file>', 'bytes as the sensor sent them, gzip or not; - for standard input')
    .option('--json', 'print every reading as JSON')
    .option('--rate <Hz>', 'iq: samples a second, where the file does not tell', hertz)
    .option('--format <name>', 'iq: cu8, cs8, cs16 or cf32, where the file does not tell')
    .option('--blocks <count>', 'iq: resource blocks that the band is cut into', blockCount, BLOCKS)
    .option('--slot-ms <ms>', 'iq: length of a slot; 32 transforms where left out', slotLength)
    .action(async (driver: string, file: string, options: DecodeOptions) => {
      const { json = false, ...rest } = options
      if (driver === IQ) {
        const { runDecodeIq } = await import('./decode-iq.ts')
        return runDecodeIq(file, { ...rest, json, output: process.stdout })
      }
      const { runDecode } = await import('./decode.ts')
      await runDecode(driver, file, { json, output: process.stdout })
    })
}
