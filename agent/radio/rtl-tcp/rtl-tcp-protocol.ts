/**
 * The protocol of rtl_tcp (osmocom rtl-sdr 0.6, rtl_tcp.c): the server greets with 12 bytes and then
 * sends unsigned 8-bit I, Q without end; the client sends commands of 5 bytes and gets no answer.
 */
export const HEADER_BYTES = 12
const MAGIC = 'RTL0'
export const COMMAND_BYTES = 5

/** Numbers of enum rtlsdr_tuner. */
const TUNERS = ['unknown', 'E4000', 'FC0012', 'FC0013', 'FC2580', 'R820T', 'R828D'] as const

export interface RadioHeader {
  readonly tuner: (typeof TUNERS)[number]
  /** Steps of gain that the tuner has. */
  readonly gainCount: number
}

/** Undefined where these are not the bytes of a radio server. */
export function parseHeader(bytes: Buffer): RadioHeader | undefined {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined
  return { tuner: TUNERS[bytes.readUInt32BE(4)] ?? 'unknown', gainCount: bytes.readUInt32BE(8) }
}

export function headerBytes({ tuner, gainCount }: RadioHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.write(MAGIC, 'latin1')
  bytes.writeUInt32BE(TUNERS.indexOf(tuner), 4)
  bytes.writeUInt32BE(gainCount, 8)
  return bytes
}

export const COMMANDS = {
  frequencyHz: 1,
  rateHz: 2,
  /** 0: the tuner chooses, 1: as gainTenthsDb says. */
  gainMode: 3,
  gainTenthsDb: 4,
  frequencyCorrectionPpm: 5,
  /** Of the digital part. */
  automaticGain: 8,
} as const

export type CommandName = keyof typeof COMMANDS

export function encodeCommand(name: CommandName, value: number): Buffer {
  const bytes = Buffer.alloc(COMMAND_BYTES)
  bytes.writeUInt8(COMMANDS[name])
  // Corrections may be negative; the server reads the same 32 bits as int.
  if (value < 0) bytes.writeInt32BE(value, 1)
  else bytes.writeUInt32BE(value, 1)
  return bytes
}
