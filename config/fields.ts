import { z } from 'zod'

/**
 * What zod cannot say about a field, kept beside it. `secret`: never printed. `path`: a relative path
 * is taken from the folder of the file that names it. `allowed`: the limits in words, where a pattern
 * would have to be read. `derived`: where the default comes from, when it is not a constant.
 */
export interface FieldMeta {
  readonly description: string
  readonly secret?: true
  readonly path?: true
  readonly allowed?: string
  readonly derived?: string
  readonly examples?: unknown[]
}

const KiB = 1024

/** Longer texts are an accident: a file pasted into a value. */
const TEXT_CHARACTERS_MAX = 4096

export const text = z.string().min(1).max(TEXT_CHARACTERS_MAX)

/** The alphabet of topic levels, so that no id needs escaping anywhere. */
export function identifier() {
  return z.string().regex(/^[a-z0-9-]{1,64}$/)
}

export const IDENTIFIER_ALLOWED = '1 to 64 characters of a-z, 0-9 and -'

export const stateDirectory = text.meta({
  path: true,
  derived: '$STATE_DIRECTORY, else a folder below $XDG_STATE_HOME or ~/.local/state',
  examples: ['/var/lib/gainnet'],
  description: 'Folder of what must outlive the process. One daemon a folder.',
} satisfies FieldMeta)

export const password = text.optional().meta({
  secret: true,
  examples: ['a-long-secret'],
  description: 'Password for the broker. Better in a file of its own: see passwordFile.',
} satisfies FieldMeta)

export const passwordFile = text.optional().meta({
  path: true,
  examples: ['broker-password'],
  description:
    'File that holds the password for the broker, and nothing else. ' +
    'A relative path is taken from $CREDENTIALS_DIRECTORY where systemd sets it.',
} satisfies FieldMeta)

function pemFile(description: string, example: string) {
  return text.optional().meta({ path: true, examples: [example], description } satisfies FieldMeta)
}

/** For brokers behind mqtts://. */
export const tlsFiles = {
  caFile: pemFile(
    'Certificate of the CA that the certificate of the broker is of, as PEM; ' +
      'the authorities that Node.js knows when not set.',
    '/etc/gainnet/ca.crt',
  ),
  certFile: pemFile(
    'Certificate that shows the broker who this is, as PEM; only where the broker wants one.',
    '/etc/gainnet/client.crt',
  ),
  keyFile: pemFile(
    'Private key of certFile, as PEM. ' +
      'A relative path is taken from $CREDENTIALS_DIRECTORY where systemd sets it.',
    'client.key',
  ),
}

/** What zod cannot say of the fields one by one: which of them go together. */
export function checkTlsFiles(
  broker: { readonly url?: string | undefined } & Partial<Record<keyof typeof tlsFiles, unknown>>,
  context: z.RefinementCtx,
): void {
  const fail = (key: keyof typeof tlsFiles, message: string): void =>
    context.addIssue({ code: 'custom', path: [key], message })
  if (broker.certFile !== undefined && broker.keyFile === undefined) {
    fail('certFile', 'needs broker.keyFile, its private key')
  }
  if (broker.keyFile !== undefined && broker.certFile === undefined) {
    fail('keyFile', 'needs broker.certFile, its certificate')
  }
  if (broker.url?.startsWith('mqtts:')) return
  for (const key of ['caFile', 'certFile', 'keyFile'] as const) {
    if (broker[key] !== undefined)
      fail(key, 'has no effect without TLS: broker.url must be mqtts://')
  }
}

export const keepaliveSeconds = z
  .int()
  .min(5)
  .max(600)
  .default(30)
  .describe('After 1.5 times this long without a packet the broker declares us lost.')

/** The address of a broker, without user and password: those have their own fields. */
export const brokerUrl = z
  .url({ protocol: /^mqtts?$/, hostname: /.+/ })
  .refine(hasNoCredentials, 'must not carry a user or a password: they have fields of their own')

/** In words, for the messages and the reference. */
export const BROKER_URL_ALLOWED = 'mqtt://host:port or mqtts://host:port'

function hasNoCredentials(url: string): boolean {
  if (!URL.canParse(url)) return true
  const { username, password } = new URL(url)
  return username === '' && password === ''
}

export const log = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info')
      .describe('The least severe lines that are written.'),
    file: text.optional().meta({
      path: true,
      examples: ['/var/log/gainnet/daemon.log'],
      description: 'File that JSON lines are appended to; standard error when not set.',
    } satisfies FieldMeta),
    fileBytesMax: z
      .int()
      .min(64 * KiB)
      .max(1024 * 1024 * KiB)
      .default(10 * 1024 * KiB)
      .describe('Size at which the file gets a .1 at the end of its name and a new one is begun.'),
    filesKept: z
      .int()
      .min(0)
      .max(100)
      .default(4)
      .describe('Older files that are kept, with .1 at the end for the newest, .2 and on.'),
  })
  .prefault({})
  .describe('What the daemon writes about itself, as JSON lines.')

/** Where the lines go, as the log itself takes it. */
export function logFileOf({ file, fileBytesMax, filesKept }: z.output<typeof log>) {
  return file === undefined ? undefined : { path: file, bytesMax: fileBytesMax, filesKept }
}

/** Positions of entries whose id an earlier entry has already. */
export function repeatedIds(ids: readonly string[]): number[] {
  return ids.flatMap((id, index) => (ids.indexOf(id) < index ? [index] : []))
}

/** Of an entry of `sensors`, whatever its kind. */
export function sensorId(example: string) {
  return identifier().meta({
    allowed: IDENTIFIER_ALLOWED,
    examples: [example],
    description: 'Name of the sensor, unique on this agent.',
  } satisfies FieldMeta)
}
