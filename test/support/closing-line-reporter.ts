import type { SerializedError } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Ends the run with `N passed, N failed, N skipped` alone on a line, so that any CI can read it. Before
 * it the tests that passed at the second attempt: each is a mistake of ours, in the test or in what it
 * tests, that shows itself now and then.
 */
export class ClosingLineReporter implements Reporter {
  #counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  #unsteady: readonly string[] = []

  onInit(): void {
    // After all that other reporters still write on their way out.
    process.once('exit', code => {
      const { passed, failed, skipped } = this.#counts
      for (const name of this.#unsteady) {
        process.stdout.write(`passed at the second attempt only: ${name}\n`)
      }
      // What ended the run before there was a test to fail, e.g. the set-up, is a failure as well.
      const failedAtLeast = code === 0 ? failed : Math.max(1, failed)
      process.stdout.write(`${passed} passed, ${failedAtLeast} failed, ${skipped} skipped\n`)
    })
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    this.#counts = countTests(modules, unhandledErrors.length)
    this.#unsteady = modules.flatMap(module =>
      [...module.children.allTests()]
        .filter(test => test.diagnostic()?.flaky)
        .map(test => `${module.relativeModuleId} > ${test.fullName}`),
    )
  }
}

/** A file that could not be read, and an error outside of any test, count as one failed test. */
function countTests(modules: readonly TestModule[], unhandledErrors: number): Counts {
  const counts = { passed: 0, failed: unhandledErrors, skipped: 0, pending: 0 }
  for (const module of modules) {
    const states = [...module.children.allTests()].map(test => test.result().state)
    for (const state of states) counts[state] += 1
    // Collection or a hook failed, which no test of the file shows.
    if (!states.includes('failed') && !module.ok()) counts.failed += 1
  }
  // A test that never came to its end has not passed.
  return { ...counts, failed: counts.failed + counts.pending }
}
