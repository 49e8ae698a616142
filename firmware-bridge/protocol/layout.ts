/** How values stand in a payload: one after the other, little-endian, without gaps. */
export interface Field {
  readonly name: string
  readonly kind: FieldKind
  readonly meaning: string
}

interface Kind<Value> {
  /** Fixed, or the least of a field that takes the rest of the payload. */
  readonly bytes: number
  readonly read: (payload: Buffer, at: number) => Value
  readonly write: (payload: Buffer, value: Value, at: number) => void
}

const TEXT_BYTES = 16
const ID_BYTES = 12

const KINDS = {
  u8: kind(
    1,
    (p, at) => p.readUInt8(at),
    (p, value: number, at) => p.writeUInt8(value, at),
  ),
  u16: kind(
    2,
    (p, at) => p.readUInt16LE(at),
    (p, value: number, at) => p.writeUInt16LE(value, at),
  ),
  u32: kind(
    4,
    (p, at) => p.readUInt32LE(at),
    (p, value: number, at) => p.writeUInt32LE(value, at),
  ),
  /** Microseconds fit a double for 285 years. */
  u64: kind(
    8,
    (p, at) => Number(p.readBigUInt64LE(at)),
    (p, value: number, at) => p.writeBigUInt64LE(BigInt(value), at),
  ),
  /** ASCII, filled up with zeros. */
  text: kind(
    TEXT_BYTES,
    (p, at) => p.toString('latin1', at, at + TEXT_BYTES).replace(/\0.*$/s, ''),
    (p, value: string, at) => p.write(value.slice(0, TEXT_BYTES), at, 'latin1'),
  ),
  id: kind(
    ID_BYTES,
    (p, at) => p.toString('hex', at, at + ID_BYTES),
    (p, value: string, at) => p.write(value, at, ID_BYTES, 'hex'),
  ),
  bytes: rest<Uint8Array>(
    (p, at) => Uint8Array.from(p.subarray(at)),
    (p, value, at) => p.set(value, at),
  ),
  i16s: rest<Int16Array>(
    (p, at) =>
      Int16Array.from({ length: (p.length - at) >> 1 }, (_, i) => p.readInt16LE(at + 2 * i)),
    (p, value, at) => {
      for (const [index, one] of value.entries()) p.writeInt16LE(one, at + 2 * index)
    },
  ),
} as const

export type FieldKind = keyof typeof KINDS
type ValueOf<Name extends FieldKind> = ReturnType<(typeof KINDS)[Name]['read']>

/** The values of a layout by the names of its fields. */
export type Values<Layout extends readonly Field[]> = {
  readonly [F in Layout[number] as F['name']]: ValueOf<F['kind']>
}

export function field<const Name extends string, const K extends FieldKind>(
  name: Name,
  fieldKind: K,
  meaning: string,
): { readonly name: Name; readonly kind: K; readonly meaning: string } {
  return { name, kind: fieldKind, meaning }
}

/** Null where the payload is not as long as the layout: another version, or noise with luck. */
export function decodeFields(
  layout: readonly Field[],
  payload: Uint8Array,
): Readonly<Record<string, unknown>> | null {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  const fixed = fixedBytes(layout)
  if (hasRest(layout) ? bytes.length < fixed : bytes.length !== fixed) return null
  const values: Record<string, unknown> = {}
  let at = 0
  for (const { name, kind: fieldKind } of layout) {
    const { bytes: size, read } = KINDS[fieldKind]
    values[name] = read(bytes, at)
    at += size
  }
  return values
}

/** RangeError where a value does not fit its field. */
export function encodeFields(
  layout: readonly Field[],
  values: Readonly<Record<string, unknown>>,
): Uint8Array {
  const restBytes = layout
    .filter(({ kind: fieldKind }) => isRest(fieldKind))
    .map(({ name }) => (ArrayBuffer.isView(values[name]) ? values[name].byteLength : 0))
  const payload = Buffer.alloc(fixedBytes(layout) + (restBytes[0] ?? 0))
  let at = 0
  for (const { name, kind: fieldKind } of layout) {
    const { bytes: size, write } = KINDS[fieldKind] as Kind<unknown>
    write(payload, values[name], at)
    at += size
  }
  return payload
}

export function fixedBytes(layout: readonly Field[]): number {
  return layout.reduce((sum, { kind: fieldKind }) => sum + KINDS[fieldKind].bytes, 0)
}

export function hasRest(layout: readonly Field[]): boolean {
  return layout.some(({ kind: fieldKind }) => isRest(fieldKind))
}

function isRest(fieldKind: FieldKind): boolean {
  return fieldKind === 'bytes' || fieldKind === 'i16s'
}

function kind<Value>(
  bytes: number,
  read: Kind<Value>['read'],
  write: Kind<Value>['write'],
): Kind<Value> {
  return { bytes, read, write }
}

function rest<Value>(read: Kind<Value>['read'], write: Kind<Value>['write']): Kind<Value> {
  return { bytes: 0, read, write }
}
