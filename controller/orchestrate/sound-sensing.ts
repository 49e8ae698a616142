import type { SensingFigures } from '../../protocol/urp.ts'

/**
 * Sensors by what they say of themselves: one whose rate or blocks are no figures can be planned for
 * by nobody, and a sketch of what are no counts tells nothing.
 */
export function soundSensing(sensing: readonly SensingFigures[]): SensingFigures[] {
  return sensing
    .filter(({ rowsPerSecond, resourceBlocks }) => [rowsPerSecond, resourceBlocks].every(isFigure))
    .map(figures => {
      const { sketch, ...others } = figures
      return sketch && !sketch.counts.every(isFigure) ? others : figures
    })
}

function isFigure(value: number): boolean {
  return Number.isFinite(value) && value >= 0
}
