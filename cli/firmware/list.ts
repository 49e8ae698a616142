import { listSerialPorts } from '../../firmware-bridge/serial/serial-ports.ts'
import { textTable } from '../model/text-table.ts'

export async function runList(o: {
  readonly json: boolean
  readonly output: NodeJS.WritableStream
  readonly roots?: { readonly sysRoot: string; readonly devRoot: string }
}): Promise<void> {
  const ports = await listSerialPorts(o.roots ?? { sysRoot: '/sys', devRoot: '/dev' })
  if (o.json) {
    o.output.write(`${JSON.stringify(ports, null, 2)}\n`)
    return
  }
  if (ports.length === 0) {
    o.output.write('no serial port with hardware behind it; is the cable plugged in?\n')
    return
  }
  const rows = ports.map(({ device, usbId = '', product = '', byId = '' }) => {
    return [device, usbId, product, byId]
  })
  o.output.write(textTable([['device', 'vid:pid:serial', 'product', 'by id'], ...rows]))
}
