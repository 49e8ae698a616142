import { listSerialPorts } from '../../firmware-bridge/serial/serial-ports.ts'
import { absent, type Check, type Finding, ok, warning } from './check.ts'
import { accessFinding } from './device-access.ts'

/** Ports of microcontrollers and sensors: who may open them, and whether they have a lasting name. */
export const serialCheck: Check = {
  name: 'serial ports',
  durationMsMax: 5000,
  async run(context) {
    const ports = await listSerialPorts(context.roots)
    if (ports.length === 0) return [absent('no serial port with hardware behind it')]
    const findings = await Promise.all(
      ports.map(async ({ device, usbId, byId }): Promise<readonly Finding[]> => {
        const groupCommand = `sudo chgrp dialout ${device} && sudo chmod 0660 ${device}`
        const access = await accessFinding(
          { path: device, what: 'serial port', groupCommand },
          context,
        )
        if (usbId === undefined) return [access]
        const twins = ports.filter(port => port.usbId === usbId)
        if (twins.length > 1) return [access, twinFinding(device, usbId, twins.length)]
        return [access, nameFinding({ device, usbId, byId })]
      }),
    )
    return findings.flat()
  },
}

function nameFinding(o: {
  readonly device: string
  readonly usbId: string
  readonly byId: string | undefined
}): Finding {
  const { device, usbId, byId } = o
  if (byId !== undefined) return ok(`${device} has the lasting name ${byId}`)
  const text = `${device} has no link below /dev/serial/by-id`
  return warning(text, `name it in the configuration as port: "${usbId}", which needs no link`)
}

function twinFinding(device: string, usbId: string, count: number): Finding {
  return warning(
    `${count} boards call themselves ${usbId}, ${device} is one of them`,
    'name them by their place in /dev/serial/by-path: it stays as long as the cables do',
  )
}
