/** Numbers as people read them: three figures that count, and the unit that suits. */
export interface Written {
  readonly value: string
  readonly unit: string
  /** What was written, for scripts: a number in a unit without prefix. */
  readonly base: { readonly value: number; readonly unit: string }
}

export function writtenNumber(value: number): string {
  if (value === 0) return '0'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(3, digits))
}

const SI = ['', 'k', 'M', 'G', 'T'] as const
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** 6.4e9, 'FLOP/s' is `6.40 GFLOP/s`. */
export function writtenSi(value: number, unit: string): Written {
  const power = powerOf(value, 1000, SI.length)
  return {
    value: writtenNumber(value / 1000 ** power),
    unit: `${SI[power]}${unit}`,
    base: { value, unit },
  }
}

export function writtenBytes(bytes: number): Written {
  const power = powerOf(bytes, 1024, BINARY.length)
  const value = bytes / 1024 ** power
  return {
    value: power === 0 && Number.isInteger(value) ? String(value) : writtenNumber(value),
    unit: BINARY[power] ?? 'B',
    base: { value: bytes, unit: 'B' },
  }
}

export function writtenShare(share: number): Written {
  return { value: (share * 100).toFixed(1), unit: '%', base: { value: share, unit: '' } }
}

function powerOf(value: number, base: number, count: number): number {
  const power = value > 0 ? Math.floor(Math.log(value) / Math.log(base) + 1e-9) : 0
  return Math.min(count - 1, Math.max(0, power))
}
