/** Indices of a Linux CPU list such as `0-3,8` (cpuset(7), "List format"). */
export function parseCpuList(list: string): number[] {
  return list
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .flatMap(part => {
      const [first, last = first] = part.split('-').map(Number)
      if (first === undefined || last === undefined || !(last >= first) || last > 65535) return []
      return Array.from({ length: last - first + 1 }, (_, offset) => first + offset)
    })
}
