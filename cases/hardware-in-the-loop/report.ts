import { textTable } from '../../cli/model/text-table.ts'
import type { Outcome } from './outcome.ts'

/** The run in words, for the terminal. */
export function reportText({ rounds, models, losses, events, faults }: Outcome): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1)
  return [
    `${rounds} communication rounds\n\n`,
    textTable([
      ['model', 'versions', 'updates', 'samples', 'loss at first', 'at last', 'learned from'],
      ...models.map(({ modelId, versions, contributions, samples, ...one }) => [
        modelId,
        versions,
        contributions,
        samples,
        one.lossFirst.toFixed(4),
        one.lossLast.toFixed(4),
        one.agents.join(', '),
      ]),
    ]),
    '\n',
    textTable([
      ['sensor', 'what happened', 'known lost after s', 'back after s'],
      ...losses.map(({ sensor, what, lostMs, foundMs }) => [
        sensor,
        what,
        seconds(lostMs),
        seconds(foundMs),
      ]),
    ]),
    '\nwhat the controller wrote down\n',
    textTable(events.map(({ agentId, code, text }) => [agentId, code, text])),
    '\n',
    ...faults.map(fault => `FAULT: ${fault}\n`),
    faults.length === 0 ? 'passed: no daemon was restarted\n' : 'failed\n',
  ].join('')
}
