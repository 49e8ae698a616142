import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTool } from '../../../../agent/measure/link/asked-tool.ts'
import { parseTcpInfo, readTcpInfo } from '../../../../agent/measure/link/tcp-info.ts'
import { parseWifiLink, readWifiLink } from '../../../../agent/measure/link/wifi-link.ts'

/** As iproute2 6.1 writes it, of a link of 20 ms with losses. */
const SS = `ESTAB 0      2048   10.0.0.2:38496 10.0.0.1:1884
\t cubic wscale:7,7 rto:224 rtt:20.1/0.4 mss:1448 cwnd:11 bytes_sent:16000 bytes_retrans:160 segs_out:12 send 6400000bps pacing_rate 7600000bps delivery_rate 5800000bps delivered:11 retrans:0/1 minrtt:19.8
`

describe('what ss says of a connection', () => {
  test('is round trips, what was sent again, the delivery rate and the congestion control', () => {
    expect(parseTcpInfo(SS)).toEqual({
      rttMs: 20.1,
      rttMinMs: 19.8,
      retransmittedShare: 0.01,
      deliveryBitsPerSecond: 5.8e6,
      congestionControl: 'cubic',
    })
  })

  test('without a word of what was sent again is that nothing was', () => {
    const text = SS.replace(' bytes_retrans:160', '')
    expect(parseTcpInfo(text)?.retransmittedShare).toBe(0)
  })

  test.each([
    ['an empty answer', ''],
    ['a line without the second', 'ESTAB 0 0 10.0.0.2:1 10.0.0.1:2\n'],
    ['no round trip', SS.replace('rtt:20.1/0.4', 'app_limited')],
    ['a round trip that is no number', SS.replace('rtt:20.1/', 'rtt:-/')],
  ])('is nothing, and no 0, for %s', (_, text) => {
    expect(parseTcpInfo(text)).toBeUndefined()
  })

  test('with more sent again than sent leaves that share out', () => {
    const text = SS.replace('bytes_retrans:160', 'bytes_retrans:99999')
    expect(parseTcpInfo(text)).not.toHaveProperty('retransmittedShare')
  })
})

describe('the kernel, asked about a connection', () => {
  const server = createServer(socket => socket.resume())
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(() => server.close())

  test('tells its round trip, where ss is installed', async ({ skip }) => {
    if ((await readTool('ss', ['-V'])) === undefined) skip('ss (iproute2) is not installed')
    // The address of a server that listens on a port.
    const { port } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const told = await readTcpInfo({ localPort: socket.localPort ?? 0, remotePort: port })
    socket.destroy()
    expect(told?.rttMs).toBeGreaterThan(0)
  })

  test('tells nothing of one that is not there', async () => {
    expect(await readTcpInfo({ localPort: 1, remotePort: 1 })).toBeUndefined()
  })
})

/** As iw 5.19 writes it (iw, link.c and station.c). */
const IW = `Connected to 00:11:22:33:44:55 (on wlan0)
\tSSID: home
\tfreq: 5180
\tRX: 123456 bytes (789 packets)
\tTX: 23456 bytes (189 packets)
\tsignal: -52 dBm
\trx bitrate: 65.0 MBit/s MCS 7
\ttx bitrate: 72.2 MBit/s MCS 7 short GI
`

describe('what iw says of a Wi-Fi interface', () => {
  test('is the rates of the radio both ways and the signal', () => {
    expect(parseWifiLink('wlan0', IW)).toEqual({
      interfaceName: 'wlan0',
      rssiDbm: -52,
      sendBitsPerSecond: 72.2e6,
      receiveBitsPerSecond: 65e6,
    })
  })

  test('is nothing while it is not connected', () => {
    expect(parseWifiLink('wlan0', 'Not connected.\n')).toBeUndefined()
  })

  test('leaves out what it does not say, and a rate of 0', () => {
    const text = 'Connected to 00:11:22:33:44:55 (on wlan0)\n\ttx bitrate: 0.0 MBit/s\n'
    expect(parseWifiLink('wlan0', text)).toEqual({ interfaceName: 'wlan0' })
  })

  test('is nothing for an interface that is no Wi-Fi, or without iw', async () => {
    expect(await readWifiLink('lo')).toBeUndefined()
  })
})

test('a tool that is not installed, or fails, tells nothing', async () => {
  expect(await readTool('gainnet-no-such-tool', [])).toBeUndefined()
  expect(await readTool('false', [])).toBeUndefined()
})
