import { placeAt } from '../../controller/simulate/manhattan-mobility.ts'
import type { Scenario } from '../../controller/simulate/scenario.ts'
import { element, modelColour, picture, text } from '../report/svg.ts'
import type { Play } from './play.ts'

const PANEL = 240
const MARGIN = 24
const LEGEND = 150

/** Who serves which model in each CR, as GainNet, Fig. 5 (a): vehicles in the colour of their model. */
export function matchingPicture(scenario: Scenario, { rounds }: Play): string {
  const panels = rounds.map((_, round) =>
    element(
      'g',
      { transform: `translate(${MARGIN + round * (PANEL + MARGIN)} ${MARGIN})` },
      panel(scenario, rounds, round),
    ),
  )
  const width = MARGIN + rounds.length * (PANEL + MARGIN) + LEGEND
  const legend = scenario.models.map(({ modelId }, model) => {
    const at = { x: width - LEGEND, y: MARGIN + 6 + model * 16 }
    const colour = modelColour(model, scenario.models.length)
    const mark = element('circle', { cx: at.x, cy: at.y, r: 5, fill: colour })
    return mark + text(modelId, { x: at.x + 10, y: at.y + 4 })
  })
  const height = Math.max(PANEL + 2 * MARGIN, 2 * MARGIN + legend.length * 16)
  return picture(width, height, [...panels, ...legend])
}

function panel(scenario: Scenario, rounds: Play['rounds'], round: number): string {
  const { options, servers, rides, models } = scenario
  const scale = PANEL / options.sideMetres
  const seconds = round * options.slots * options.slotSeconds
  const frame = { width: PANEL, height: PANEL, fill: '#f7f7f7', stroke: '#999999' }
  const parts = [element('rect', frame), text(`CR ${round + 1}`, { x: 0, y: -6 })]
  for (const { x, y } of servers) {
    const at = { x: x * scale - 6, y: y * scale - 6, width: 12, height: 12 }
    parts.push(element('rect', { ...at, fill: '#333333' }))
  }
  for (const [index, { edge }] of (rounds[round]?.matching.choices ?? []).entries()) {
    const ride = rides[index]
    if (ride === undefined) continue
    const place = placeAt(ride, seconds, options.sideMetres)
    const [cx, cy] = [place.x * scale, place.y * scale]
    const colour = edge === null ? '#ffffff' : modelColour(edge.model, models.length)
    const server = servers.find(({ link }) => link === models[edge?.model ?? -1]?.link)
    if (server) {
      const ends = { x1: cx, y1: cy, x2: server.x * scale, y2: server.y * scale }
      parts.push(element('line', { ...ends, stroke: colour, 'stroke-opacity': 0.35 }))
    }
    parts.push(element('circle', { cx, cy, r: 5, fill: colour, stroke: '#444444' }))
  }
  return parts.join('\n')
}
