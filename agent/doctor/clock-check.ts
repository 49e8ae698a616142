import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, fault, ok, warning } from './check.ts'

/** No agent is older than this program: a board without a battery starts in 1970. */
const NOT_BEFORE_MS = Date.parse('2026-01-01T00:00:00Z')
/** What they leave below /run once the clock is set: systemd-timesyncd, chrony, ntpsec. */
const SYNCHRONIZED = ['systemd/timesync/synchronized']
const DAEMONS = ['chrony', 'ntpd.pid', 'ntpsec']

export const clockCheck: Check = {
  name: 'clock',
  durationMsMax: 2000,
  async run({ nowMs, roots: { runRoot } }) {
    const now = new Date(nowMs).toISOString()
    const remedy = 'sudo apt install systemd-timesyncd && sudo timedatectl set-ntp true'
    if (nowMs < NOT_BEFORE_MS) {
      return [fault(`the clock says ${now}: certificates will be refused`, remedy)]
    }
    const entries = new Set(await readdir(runRoot).catch(() => []))
    const daemon = DAEMONS.find(name => entries.has(name))
    if (daemon !== undefined) return [ok(`the clock says ${now}, ${daemon} keeps it`)]
    for (const path of SYNCHRONIZED) {
      if (await isThere(join(runRoot, path)))
        return [ok(`the clock says ${now}, it was set by NTP`)]
    }
    return [warning(`the clock says ${now}; nothing here says that NTP keeps it`, remedy)]
  },
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
