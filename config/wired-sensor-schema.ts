import { z } from 'zod'
import { type FieldMeta, identifier, sensorId, text } from './fields.ts'

/** Of firmware-bridge/drivers/registry.ts; a test holds one to the other. */
export const DRIVER_NAMES = [
  'at-modem',
  'esp32-csi',
  'gnss',
  'ld2410',
  'ti-mmwave',
  'tinysa',
] as const

const port = text.meta({
  allowed: 'a path, best one below /dev/serial/by-id, or vid:pid:serial of USB',
  examples: ['/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0'],
  description:
    'Where it is plugged in; /dev/ttyUSB0 would be another one after the next boot. ' +
    '`gainnet firmware list` shows what there is.',
} satisfies FieldMeta)

const baud = z.int().min(300).max(12_000_000)

const values = z
  .int()
  .min(1)
  .max(4096)
  .describe('Values of a row: sensors whose rows are as wide can serve one model.')

export const serialSensor = z
  .strictObject({
    kind: z.literal('serial').describe('A sensor that talks on a serial line.'),
    id: sensorId('radar'),
    driver: z.enum(DRIVER_NAMES).meta({
      examples: ['ti-mmwave'],
      description: 'What reads its bytes; models name the sensor by it, as its kind.',
    } satisfies FieldMeta),
    port,
    baudRate: baud.optional().meta({
      derived: 'that of the driver',
      examples: [921_600],
      description: 'Speed of the line.',
    } satisfies FieldMeta),
    values: values.optional().meta({
      derived: '64, or the fields that the sensor has',
      examples: [64],
      description: 'Values of a row: sensors whose rows are as wide can serve one model.',
    } satisfies FieldMeta),
    command: text.optional().meta({
      derived: 'what the driver asks',
      examples: ['scan 860000000 880000000 64 3'],
      description: 'What a sensor is sent again and again that does not talk by itself.',
    } satisfies FieldMeta),
  })
  .describe('A sensor that talks on a serial line, read by a driver.')

export const firmwareSensor = z
  .strictObject({
    kind: z.literal('firmware').describe('A microcontroller with our firmware.'),
    id: sensorId('vibration'),
    port,
    baudRate: baud.default(115_200).describe('Speed of the line.'),
    uniqueId: z
      .string()
      .regex(/^[0-9a-f]{24}$/)
      .optional()
      .meta({
        allowed: '24 hexadecimal digits',
        derived: 'that of the first board that answers',
        examples: ['4c4d33530000525400000001'],
        description: 'Of the microcontroller: another board never takes its place.',
      } satisfies FieldMeta),
    channel: z.int().min(0).max(255).default(0).describe('Channel of the board that is sampled.'),
    rateHz: z
      .number()
      .min(0.001)
      .max(1_000_000)
      .default(100)
      .describe('Samples a second at most; the controller may allocate less.'),
    values: values.default(64),
  })
  .describe('A channel of a board that runs our firmware; a row is so many samples.')

export const spectrumSensor = z
  .strictObject({
    kind: z.literal('spectrum').describe('What a radio of this board hears, block by block.'),
    id: sensorId('ism-band'),
    radio: identifier().meta({
      allowed: 'the id of an entry of radios',
      examples: ['ism-868'],
      description: 'Which radio; its blocks are the values of a row.',
    } satisfies FieldMeta),
    measures: z
      .enum(['power', 'occupancy'])
      .default('power')
      .describe('Mean power of each block, or the share of time in which it was used.'),
  })
  .describe('A radio as a sensor: a row of its resource blocks every 50 ms.')
