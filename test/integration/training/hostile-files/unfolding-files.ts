/** Files of few bytes for much of what a reader makes of them; each about so many bytes long. */
export function unfoldingFiles(byteCount: number): ReadonlyMap<string, Uint8Array> {
  const many = (unit: readonly number[]) => repeat(unit, Math.floor(byteCount / unit.length))
  const graph = (content: Uint8Array) => delimited([0x3a], content)
  const node = (content: Uint8Array) => graph(delimited([0x0a], content))
  const tensor = (content: Uint8Array) => graph(delimited([0x2a], content))
  const largest = [255, 255, 255, 255, 255, 255, 255, 255, 0x7f]
  return new Map([
    ['empty nodes', graph(many([0x0a, 0]))],
    ['empty tensors', graph(many([0x2a, 0]))],
    ['empty attributes', node(many([0x2a, 0]))],
    ['empty metadata', many([0x72, 0])],
    ['inputs without a name', node(many([0x0a, 0]))],
    ['empty strings', tensor(many([0x32, 0]))],
    ['sizes', tensor(many([0x08, 1]))],
    ['packed numbers of a byte', tensor(delimited([0x3a], many([1])))],
    ['packed numbers in parts', tensor(many([0x3a, 1, 1]))],
    ['numbers apart', tensor(many([0x38, 1]))],
    ['bigints', tensor(delimited([0x3a], many(largest)))],
    ['floats', tensor(delimited([0x22], many([0, 0, 0x80, 0x3f])))],
    ['fields nobody knows', many([0xf8, 0x3f, 0])],
    ['a long text', delimited([0x12], many([0xd0, 0xb4]))],
  ])
}

function repeat(unit: readonly number[], count: number): Uint8Array {
  const bytes = new Uint8Array(unit.length * count)
  for (let at = 0; at < bytes.length; at += unit.length) bytes.set(unit, at)
  return bytes
}

function delimited(tag: readonly number[], content: Uint8Array): Uint8Array {
  const length: number[] = []
  let rest = content.length
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128)
  const head = [...tag, ...length, rest]
  const bytes = new Uint8Array(head.length + content.length)
  bytes.set(head)
  bytes.set(content, head.length)
  return bytes
}
