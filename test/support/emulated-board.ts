import { onTestFinished } from 'vitest'
import {
  FIRMWARE,
  missingFirmwareTools,
  EmulatedBoard as QemuBoard,
} from '../../bench/sensor-loss/emulated-board.ts'

export { FIRMWARE, missingFirmwareTools }

/** A board that is gone when the test is. */
export const EmulatedBoard = {
  async start(options: Parameters<typeof QemuBoard.start>[0] = {}): Promise<QemuBoard> {
    const board = await QemuBoard.start(options)
    onTestFinished(() => board.unplug())
    return board
  },
}
