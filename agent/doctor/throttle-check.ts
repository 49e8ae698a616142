import { isSlowed } from '../measure/throttle-bits.ts'
import { throttleProbe } from '../measure/throttle-probe.ts'
import { absent, type Check, fault, ok, warning } from './check.ts'

const SUPPLY =
  'take a stronger supply and a short cable; 5 V, 3 A for a Raspberry Pi 4, 5 A for a 5'
const HEAT = 'give the board a heat sink or a fan'

/** Whether supply or heat slow the board down: then nothing that is measured holds. */
export const throttleCheck: Check = {
  name: 'supply and heat',
  durationMsMax: 5000,
  async run({ roots: { procRoot, sysRoot }, signal }) {
    const reading = await throttleProbe.read({ procRoot, sysRoot, signal })
    if (reading.status === 'absent') return [absent(`this board does not tell: ${reading.reason}`)]
    const { bits, underVoltageAlarm, counts } = reading.values
    if (underVoltageAlarm || bits?.now.underVoltage) {
      return [fault('the supply is too weak now', SUPPLY)]
    }
    if (bits && isSlowed(bits)) return [fault('the board is slowed down by heat now', HEAT)]
    if (bits?.sinceBoot.underVoltage) {
      return [warning('the supply has been too weak since the board was started', SUPPLY)]
    }
    const often = counts.filter(({ count }) => count > 0)
    if (often.length === 0) return [ok('nothing slows the board down')]
    const text = often.map(({ cause, count }) => `${cause} ${count} times`).join(', ')
    return [warning(`slowed down since the board was started: ${text}`, HEAT)]
  },
}
