import { expect, test } from 'vitest'
import { parseBrokerUrl } from '../../../protocol/broker-address.ts'

test('ports are those of IANA where none is given', () => {
  expect(parseBrokerUrl('mqtt://edge')).toEqual({ tls: false, host: 'edge', port: 1883 })
  expect(parseBrokerUrl('mqtts://edge')).toEqual({ tls: true, host: 'edge', port: 8883 })
  expect(parseBrokerUrl('mqtt://[::1]:1999')).toEqual({ tls: false, host: '::1', port: 1999 })
})

test.each(['edge', 'http://edge', 'mqtt://', '', 'mqtt:edge'])('%j is no broker', url => {
  expect(() => parseBrokerUrl(url)).toThrow('not mqtt://host:port')
})
