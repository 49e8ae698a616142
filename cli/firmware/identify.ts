import type { BoardIdentity } from '../../firmware-bridge/link/firmware-link.ts'
import { textTable } from '../model/text-table.ts'
import type { LinkOptions } from './firmware-command.ts'
import { linkTo, openLink } from './open-link.ts'

export async function runIdentify(port: string, options: LinkOptions): Promise<void> {
  const link = linkTo(port, { baudRate: options.baud })
  const board = await openLink(link, port)
  try {
    const selfTest = await link.request('selfTest', {})
    const statistics = await link.request('statistics', {})
    const clock = link.boardClock
    const text = options.json
      ? `${JSON.stringify({ board, selfTest, statistics, clock }, null, 2)}\n`
      : textTable([
          ['board', board.board],
          ['unique id', board.uniqueId],
          ['firmware', versionOf(board)],
          ['channels', `${board.channels}, to ${board.rateMilliHzMax / 1000} Hz`],
          ['self-test', selfTest.failed === 0 ? 'passed' : `failed: ${partsOf(selfTest.failed)}`],
          ['running for', `${(statistics.uptimeMillis / 1000).toFixed(1)} s`],
          ['watchdog resets', String(statistics.resets)],
        ])
    process.stdout.write(text)
  } finally {
    await link.stop()
  }
}

function versionOf({ firmwareVersion }: BoardIdentity): string {
  return [16, 8, 0].map(shift => (firmwareVersion >> shift) & 0xff).join('.')
}

const SELF_TEST_PARTS = ['checksum', 'stuffing', 'ring', 'clock', 'sensor']

function partsOf(failed: number): string {
  return SELF_TEST_PARTS.filter((_, bit) => (failed >> bit) & 1).join(', ')
}
