import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { errnoOf, GainnetError, messageOf } from '../runtime/errors.ts'

/** PEM files for a broker behind mqtts://; without any, the certificates that Node.js trusts. */
export interface TlsFiles {
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

/** Read at each connect, so that a renewed certificate counts from the next one on. */
export function readSecureContext(files: TlsFiles): SecureContext {
  const texts = {
    ca: readPem('caFile', files.caFile),
    cert: readPem('certFile', files.certFile),
    key: readPem('keyFile', files.keyFile),
  }
  try {
    return createSecureContext(texts)
  } catch (cause) {
    const named = (['caFile', 'certFile', 'keyFile'] as const).flatMap(key =>
      files[key] === undefined ? [] : [`broker.${key} ${files[key]}`],
    )
    const text = `${named.join(', ')}: ${messageOf(cause)}`
    throw new GainnetError('CONFIG_INVALID', text, {}, { cause })
  }
}

function readPem(key: keyof TlsFiles, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path)
  } catch (cause) {
    const text = `broker.${key}: ${path} cannot be read (${errnoOf(cause)})`
    throw new GainnetError('CONFIG_INVALID', text, { path }, { cause })
  }
}

const UNKNOWN_ISSUER =
  'the certificate of the broker is of no CA that is trusted here: ' +
  'set broker.caFile to the certificate of its CA'
const NO_CLIENT_CERTIFICATE =
  'the broker wants a certificate of this client: set broker.certFile and broker.keyFile'
const NO_TLS = 'no TLS on this port: use mqtt://, or the port with TLS (mostly 8883)'

/** What to do about it, by the codes of OpenSSL's verification and of its alerts (RFC 8446, 6.2). */
const TROUBLES: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_ISSUER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_ISSUER,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_ISSUER,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_ISSUER,
  CERT_SIGNATURE_FAILURE: UNKNOWN_ISSUER,
  CERT_HAS_EXPIRED:
    'the certificate of the broker has expired: renew it, or correct the clock of this machine',
  CERT_NOT_YET_VALID:
    'the certificate of the broker is not valid yet: correct the clock of this machine',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: NO_CLIENT_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: NO_CLIENT_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA:
    'the broker does not trust the CA of broker.certFile: take one that the broker knows',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    'the certificate in broker.certFile has expired: renew it',
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
}

/** In words what is wrong between us and a broker with TLS; undefined for any other trouble. */
export function tlsTrouble(error: Error): string | undefined {
  const code = errnoOf(error) ?? ''
  const known = TROUBLES[code]
  if (known) return `${known} (${code})`
  if (code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return undefined
  return (
    `the certificate of the broker is for another host: ${reasonOf(error)} ` +
    'Use one of its names in broker.url, or give the broker a certificate with this one'
  )
}

/** Node says which host was asked for and which names there are. */
function reasonOf(error: Error): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
}
