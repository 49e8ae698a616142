import { listSerialPorts, type SerialPortInfo } from '../../firmware-bridge/serial/serial-ports.ts'
import { absent, type Check, type DoctorContext, type Finding, ok, warning } from './check.ts'
import { accessFinding } from './device-access.ts'

/** Ports of microcontrollers and sensors: who may open them, and whether they have a lasting name. */
export const serialCheck: Check = {
  name: 'serial ports',
  durationMsMax: 5000,
  async run(context) {
    const ports = await listSerialPorts(context.roots)
    const passing = context.config.sensors.flatMap(sensor => passingName(sensor, ports))
    if (ports.length === 0) return [...passing, absent('no serial port with hardware behind it')]
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
    return [...passing, ...findings.flat()]
  },
}

/** A sensor that is named by the order of plugging in: another one has that name after the next boot. */
function passingName(
  sensor: DoctorContext['config']['sensors'][number],
  ports: readonly SerialPortInfo[],
): readonly Finding[] {
  if (!('port' in sensor) || !/^\/dev\/tty(USB|ACM)\d+$/.test(sensor.port)) return []
  const { byId, usbId } = ports.find(({ device }) => device === sensor.port) ?? {}
  const lasting = byId ?? usbId
  const text = `the sensor ${sensor.id} is named ${sensor.port}, which changes with every plug`
  const remedy =
    lasting === undefined
      ? 'plug it in, then: gainnet firmware list; set port to its vid:pid:serial'
      : `in the configuration of ${sensor.id}: port: "${lasting}"`
  return [warning(text, remedy)]
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
