import { element, picture, text } from '../report/svg.ts'
import type { PlayedCycle } from './study.ts'

const SIZE = { width: 760, height: 300 } as const
const FRAME = { left: 60, right: 20, top: 25, bottom: 40 } as const
const LINES = [
  { name: 'water-filling', colour: '#888888', of: 'best' },
  { name: 'the serving version', colour: '#1f5fa8', of: 'model' },
] as const

/** Gain over the average allocation round by round, and what was decided when. */
export function roundsPicture({ rounds, changeCr, damageCr }: PlayedCycle): string {
  const gains = rounds.map(({ model, best, even }) => ({
    model: 100 * (model / even - 1),
    best: 100 * (best / even - 1),
  }))
  const values = gains.flatMap(({ model, best }) => [model, best])
  const [least, most] = [Math.min(0, ...values), 1.05 * Math.max(1, ...values)]
  const width = SIZE.width - FRAME.left - FRAME.right
  const height = SIZE.height - FRAME.top - FRAME.bottom
  const x = (cr: number): number => FRAME.left + (width * cr) / Math.max(1, rounds.length)
  const y = (gain: number): number => FRAME.top + (height * (most - gain)) / (most - least)
  const mark = (cr: number, label: string, row: number): string[] => [
    element('line', {
      x1: x(cr),
      x2: x(cr),
      y1: FRAME.top,
      y2: FRAME.top + height,
      stroke: '#b5541c',
      'stroke-dasharray': '3 3',
    }),
    text(label, { x: x(cr) + 3, y: FRAME.top + 10 + 12 * row, fill: '#b5541c' }),
  ]
  const decided = rounds.flatMap(({ crId, events }) =>
    events.flatMap(({ type }) => (type === 'disbelieved' ? [] : mark(crId + 1, type, 1))),
  )
  return picture(SIZE.width, SIZE.height, [
    ...LINES.map(({ colour, of }) =>
      element('polyline', {
        points: gains
          .map((gain, cr) => `${x(cr + 0.5).toFixed(1)},${y(gain[of]).toFixed(1)}`)
          .join(' '),
        fill: 'none',
        stroke: colour,
        'stroke-width': 2,
      }),
    ),
    element('line', { x1: x(0), x2: x(rounds.length), y1: y(0), y2: y(0), stroke: '#444444' }),
    text('0 %', { x: FRAME.left - 8, y: y(0) + 4, 'text-anchor': 'end' }),
    text(`${most.toFixed(0)} %`, { x: FRAME.left - 8, y: FRAME.top + 4, 'text-anchor': 'end' }),
    ...mark(changeCr, 'they drive', 0),
    ...mark(damageCr, 'damaged version', 0),
    ...decided,
    ...LINES.map(({ name, colour }, place) =>
      text(name, { x: FRAME.left + 160 * place, y: SIZE.height - 12, fill: colour }),
    ),
  ])
}
