/**
 * What a Nexus-TH thermometer sends (rtl_433, devices/nexus.c): on-off keying, a pulse of 500 µs and
 * after it a gap that is the bit, 36 bits, twelve times with a longer gap between.
 */
export function nexusSignal(
  rateHz: number,
  {
    id,
    celsius,
    humidity,
  }: { readonly id: number; readonly celsius: number; readonly humidity: number },
): Float32Array {
  const tenths = Math.round(celsius * 10) & 0xfff
  // Id, battery sound, test off, channel 1, temperature, the constant 1111, humidity.
  const fields: readonly (readonly [number, number])[] = [
    [id, 8],
    [0b1000, 4],
    [tenths, 12],
    [0b1111, 4],
    [humidity, 8],
  ]
  const bits = fields.flatMap(([value, width]) =>
    Array.from({ length: width }, (_, bit) => (value >> (width - 1 - bit)) & 1),
  )
  const gaps = [...bits.map(bit => (bit ? 2000 : 1000)), 4000]
  const parts: (readonly [amplitude: number, micros: number])[] = [[0, 50_000]]
  for (let time = 0; time < 12; time++) {
    for (const gap of gaps) parts.push([0.6, 500], [0, gap])
  }
  parts.push([0, 100_000])
  return keyed(parts, rateHz)
}

/** A carrier 20 kHz off the middle, switched. */
function keyed(parts: readonly (readonly [number, number])[], rateHz: number): Float32Array {
  const counts = parts.map(([, micros]) => Math.round((micros * rateHz) / 1e6))
  const out = new Float32Array(2 * counts.reduce((sum, count) => sum + count, 0))
  let at = 0
  for (const [index, [amplitude]] of parts.entries()) {
    for (let end = at + (counts[index] ?? 0); at < end; at++) {
      const angle = (2 * Math.PI * 20_000 * at) / rateHz
      out[2 * at] = amplitude * Math.cos(angle)
      out[2 * at + 1] = amplitude * Math.sin(angle)
    }
  }
  return out
}
