/**
 * Bytes of a PUBLISH of QoS 1 on the wire (MQTT 3.1.1, 3.3): fixed header with the remaining length,
 * topic with its length, packet identifier, payload.
 */
export function packetBytes(topic: string, payloadBytes: number): number {
  const remaining = 2 + Buffer.byteLength(topic) + 2 + payloadBytes
  return 1 + lengthBytes(remaining) + remaining
}

/** Seven bits a byte (MQTT 3.1.1, 2.2.3). */
function lengthBytes(remaining: number): number {
  if (remaining < 2 ** 7) return 1
  if (remaining < 2 ** 14) return 2
  return remaining < 2 ** 21 ? 3 : 4
}
