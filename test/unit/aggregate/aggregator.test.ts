import { expect, test } from 'vitest'
import { aggregatorOf, libraryFolder } from '../models/model-config.ts'

test('changes are added to the current version, beside parameters that came whole', async () => {
  const { config, open } = libraryFolder()
  const library = await open([config('prose')])
  const current = await library.parameters('prose')
  const { parameters } = await aggregatorOf(library).next('prose', [
    { values: current.map(() => 0.5), form: 'change', exampleCount: 3 },
    { values: current.map(value => value - 0.5), form: 'whole', exampleCount: 1 },
  ])
  for (const [at, value] of parameters.entries()) {
    expect(value).toBeCloseTo((current[at] ?? Number.NaN) + 0.25, 5)
  }
})
