import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from './directories.ts'

export interface IssuedCertificate {
  readonly certFile: string
  readonly keyFile: string
}

export interface TestAuthority {
  readonly caFile: string
  /** `days` from now, also negative. */
  issue(name: string, o?: { readonly days?: number }): IssuedCertificate
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** A CA of the test's own, made by openssl; gone when the test is. */
export function testAuthority(commonName = 'CA of a test'): TestAuthority {
  const folder = temporaryDirectory()
  const path = (file: string): string => join(folder, file)
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  }
  const ca = ['-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', `/CN=${commonName}`]
  openssl('req', '-x509', ...NEW_KEY, ...ca)
  return {
    caFile: path('ca.crt'),
    issue: (name, { days = 2 } = {}) => {
      const [key, request, certificate] = [`${name}.key`, `${name}.csr`, `${name}.crt`]
      writeFileSync(path('names'), `subjectAltName=DNS:${name}\n`)
      openssl('req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`)
      const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', String(days)]
      openssl('x509', '-req', '-in', request, ...by, '-extfile', 'names', '-out', certificate)
      return { certFile: path(certificate), keyFile: path(key) }
    },
  }
}
