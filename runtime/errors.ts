/** Every failure a daemon can name. The code is the contract; the message is for people. */
export const ERRORS = {
  USAGE: { exitCode: 64, retry: false, help: 'Run the command with --help and correct the call.' },
  CONFIG_INVALID: { exitCode: 78, retry: false, help: 'Correct the key that the message names.' },
  CONFIG_UNREADABLE: {
    exitCode: 78,
    retry: false,
    help: 'Check that the file exists, is readable by this user and is valid YAML.',
  },
  BROKER_UNREACHABLE: { exitCode: 69, retry: true, help: 'Check broker.url and the network.' },
  BROKER_REFUSED: {
    exitCode: 77,
    retry: true,
    help: 'Check broker.username and broker.password against the credentials of the controller.',
  },
  BROKER_PORT_TAKEN: {
    exitCode: 73,
    retry: false,
    help: 'Another process listens there: end it or set broker.port to another port.',
  },
  STATE_DIRECTORY_UNUSABLE: {
    exitCode: 73,
    retry: false,
    help: 'Create the directory, make it writable for this user, or set stateDirectory.',
  },
  STATE_DIRECTORY_LOCKED: {
    exitCode: 73,
    retry: false,
    help: 'Another daemon uses this state directory: end it or set stateDirectory.',
  },
  SITE_LIVE: {
    exitCode: 73,
    retry: false,
    help: 'Take a site of its own for a replay, or --force: replayed agents take part in rounds.',
  },
  SPECTRUM_UNAVAILABLE: {
    exitCode: 69,
    retry: false,
    help: 'Measure the link instead: gainnet measure link.',
  },
  OUTBOX_FULL: { exitCode: 74, retry: true, help: 'Free disk space or raise outbox.bytesMax.' },
  PROTOCOL_INVALID: {
    exitCode: 70,
    retry: false,
    help: 'The peer speaks another version or is broken: compare the versions in the births.',
  },
  PROBE_FAILED: { exitCode: 70, retry: true, help: 'Run gainnet measure to see each probe alone.' },
  SENSOR_UNAVAILABLE: { exitCode: 74, retry: true, help: 'Check the path and that it holds data.' },
  FIRMWARE_REFUSED: {
    exitCode: 69,
    retry: false,
    help: 'Run gainnet firmware identify to see which board and firmware answer.',
  },
  FILE_UNREADABLE: {
    exitCode: 66,
    retry: false,
    help: 'Check that the file is there and readable by this user.',
  },
  FILE_UNWRITABLE: {
    exitCode: 73,
    retry: false,
    help: 'Take another place, or free disk space; nothing that was there is changed.',
  },
  DATA_INVALID: {
    exitCode: 65,
    retry: false,
    help: 'Correct the data set; the message names the file and the place.',
  },
  MODEL_CORRUPT: {
    exitCode: 74,
    retry: true,
    help: 'The bytes do not match their hash: they are fetched again; check the broker if it stays.',
  },
  MODEL_INVALID: {
    exitCode: 65,
    retry: false,
    help: 'Check the ONNX file with the onnx checker; the message names the place.',
  },
  GRADIENT_UNSUPPORTED_OP: {
    exitCode: 65,
    retry: false,
    help: 'Add a rule in training/gradient/ (see docs/how-to/add-a-gradient-rule.md).',
  },
  TRAINING_FAILED: {
    exitCode: 70,
    retry: true,
    help: 'See the cause; the trainer process is started anew for the next assignment.',
  },
  TRAINING_DIVERGED: {
    exitCode: 70,
    retry: false,
    help: 'Lower the learning rate or clip the gradients, then go on from the last checkpoint.',
  },
  MEMORY_EXCEEDED: {
    exitCode: 71,
    retry: false,
    help: 'Take a smaller batch with more accumulation, fewer samples, or raise the limit.',
  },
  TRAINER_OVER_MEMORY: {
    exitCode: 71,
    retry: true,
    help: 'Raise limits.memoryBytes, or assign a smaller model; the agent itself goes on.',
  },
  CHECKPOINT_INVALID: {
    exitCode: 65,
    retry: false,
    help: 'The file is damaged or of another artifact: take another checkpoint.',
  },
  CHECKPOINT_UNWRITABLE: {
    exitCode: 74,
    retry: true,
    help: 'Free disk space or take another folder; the checkpoint before it is whole.',
  },
  ROUND_FAILED: { exitCode: 70, retry: true, help: 'See the round record for what was refused.' },
  DEADLINE_PASSED: {
    exitCode: 75,
    retry: true,
    help: 'What was waited for did not come in time: see the message for what and how long.',
  },
  DAEMON_ENDED: {
    exitCode: 70,
    retry: false,
    help: 'See the last lines of its log in the message, and the whole log where the message says.',
  },
} as const satisfies Record<string, { exitCode: number; retry: boolean; help: string }>

export type ErrorCode = keyof typeof ERRORS

/** A failure with a code from ERRORS. One class, no subclass tree: a code is enough to branch on. */
export class GainnetError extends Error {
  override readonly name = 'GainnetError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.details = details
  }
}

/** Narrows anything that was thrown to a GainnetError of one code. */
export function hasCode(error: unknown, code: ErrorCode): error is GainnetError {
  return error instanceof GainnetError && error.code === code
}

/** The text of anything that was thrown, for a message or a log field. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** As messageOf, with the code in front where there is one: for a reason that is sent to a peer. */
export function codedMessageOf(error: unknown): string {
  return error instanceof GainnetError ? `${error.code}: ${error.message}` : messageOf(error)
}

/** The errno code of a failed system call (ENOENT, ENOSPC …), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}
