import { defineConfig } from 'vitest/config'
import { ClosingLineReporter } from './test/support/closing-line-reporter.ts'

export default defineConfig({
  test: {
    reporters: ['default', new ClosingLineReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,tidy}/**/*.test.ts'],
          // Properties over many cases, on machines that do other work beside.
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/build-once.ts'],
          testTimeout: 60_000,
          // Daemons, links and clocks of a machine that does other work beside: what only passes at
          // the second attempt is named at the end of the run.
          retry: 1,
          hookTimeout: 60_000,
          // They start daemons, brokers and trainers of their own: one file at a time leaves these
          // the cores, and the times they measure a meaning.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // By `npm run test:arm64-engine` alone.
        test: {
          name: 'arm64-engine',
          include: ['test/arm64/engine/**/*.test.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
