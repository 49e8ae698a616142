import { readFileSync } from 'node:fs'

/** The version of the package: one for the whole fleet. */
export function packageVersion(): string {
  // The sources lie one level below package.json, the compiled files two.
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))
      if (name === 'gainnet') return version
    } catch {
      // Not there: the next place.
    }
  }
  return 'unknown'
}
