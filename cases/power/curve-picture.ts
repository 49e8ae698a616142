import { element, picture, text } from '../report/svg.ts'
import type { CurvePoint } from './phases.ts'

const SIZE = { width: 720, height: 320 } as const
const FRAME = { left: 60, right: 20, top: 20, bottom: 45 } as const
const COLOURS = { t1: '#1f5fa8', t2: '#b5541c' } as const
const LABELS = { t1: 'gains of T1', t2: 'gains of T2' } as const

type Environment = keyof typeof COLOURS

/** Gain over average on the channels of T1 and of T2 while T1 is learned, and then T3. */
export function curvePicture(
  points: readonly CurvePoint[],
  ceilings: Readonly<Record<Environment, number>>,
): string {
  const firstEnd = Math.max(0, ...points.filter(one => one.phase === 't1').map(one => one.updates))
  const placed = points.map(one => ({
    ...one,
    at: one.phase === 't1' ? one.updates : firstEnd + one.updates,
  }))
  const end = Math.max(1, ...placed.map(({ at }) => at))
  const values = placed.flatMap(({ t1, t2 }) => [t1, t2])
  const least = Math.min(0, ...values)
  const most = 1.05 * Math.max(1, ceilings.t1, ceilings.t2, ...values)
  const [width, height] = [
    SIZE.width - FRAME.left - FRAME.right,
    SIZE.height - FRAME.top - FRAME.bottom,
  ]
  const x = (at: number): number => FRAME.left + (width * at) / end
  const y = (value: number): number => FRAME.top + (height * (most - value)) / (most - least)
  const lines = (['t1', 't2'] as const).flatMap(environment => [
    element('polyline', {
      points: placed
        .map(one => `${x(one.at).toFixed(1)},${y(one[environment]).toFixed(1)}`)
        .join(' '),
      fill: 'none',
      stroke: COLOURS[environment],
      'stroke-width': 2,
    }),
    level(y(ceilings[environment]), COLOURS[environment]),
    text(`${LABELS[environment]}, ceiling ${ceilings[environment].toFixed(1)} %`, {
      x: FRAME.left + 8,
      y: y(ceilings[environment]) - 5,
      fill: COLOURS[environment],
    }),
  ])
  const ground = { y1: FRAME.top, y2: FRAME.top + height, stroke: '#888888' }
  return picture(SIZE.width, SIZE.height, [
    element('line', { x1: x(0), x2: x(end), y1: y(0), y2: y(0), stroke: '#888888' }),
    element('line', { x1: x(0), x2: x(0), ...ground }),
    element('line', { x1: x(firstEnd), x2: x(firstEnd), ...ground, 'stroke-dasharray': '2 3' }),
    text('T1 is learned', { x: x(firstEnd / 2), y: SIZE.height - 12, 'text-anchor': 'middle' }),
    text('T3: T2’s gains and solutions, with replay', {
      x: x((firstEnd + end) / 2),
      y: SIZE.height - 12,
      'text-anchor': 'middle',
    }),
    text('0 %', { x: FRAME.left - 8, y: y(0) + 4, 'text-anchor': 'end' }),
    ...lines,
  ])
}

function level(at: number, stroke: string): string {
  return element('line', {
    x1: FRAME.left,
    x2: SIZE.width - FRAME.right,
    y1: at,
    y2: at,
    stroke,
    'stroke-dasharray': '6 4',
  })
}
