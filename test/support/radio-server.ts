import { onTestFinished } from 'vitest'
import { type RadioServer, serveRadio } from '../../bench/sensor-loss/radio-server.ts'

/** An rtl_tcp server on this machine, gone when the test is. */
export async function startRadioServer(
  ...given: Parameters<typeof serveRadio>
): Promise<RadioServer> {
  const server = await serveRadio(...given)
  onTestFinished(() => server.stop())
  return server
}
