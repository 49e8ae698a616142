/** A name itself, or one in which * stands for any characters and ? for one of them. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text)
}

export function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern.replaceAll(/[\\^$.*+?()[\]{}|]/g, sign => {
    if (sign === '*') return '.*'
    return sign === '?' ? '.' : `\\${sign}`
  })
  return new RegExp(`^${source}$`, 's').test(name)
}
