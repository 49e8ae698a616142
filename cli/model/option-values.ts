import { InvalidArgumentError } from 'commander'

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value
  throw new InvalidArgumentError('It must be a number above 0.')
}

/** Separated by commas; may be repeated. */
export function textList(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').filter(part => part !== '')]
}

export function namedSize(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const [, name = '', count = ''] = /^(.+)=(\d{1,9})$/.exec(text) ?? []
  if (Number(count) < 1) throw new InvalidArgumentError('It must be name=count, e.g. sequence=64.')
  return { ...before, [name]: Number(count) }
}

export function namedNumber(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const at = text.lastIndexOf('=')
  const value = Number(text.slice(at + 1))
  if (at < 1 || at === text.length - 1 || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be input=number, e.g. attention_mask=1.')
  }
  return { ...before, [text.slice(0, at)]: value }
}
