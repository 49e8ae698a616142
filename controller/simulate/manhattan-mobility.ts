import type { Random } from '../../runtime/seeded-random.ts'
import { uniform } from './draws.ts'

/** Straight along one road of the grid at one speed, back and forth. */
export interface Ride {
  readonly isHorizontal: boolean
  /** Coordinate of the road. */
  readonly roadMetres: number
  readonly startMetres: number
  readonly direction: 1 | -1
  readonly metresPerSecond: number
}

export interface Place {
  readonly x: number
  readonly y: number
  /** Direction of travel, in radians from the x axis. */
  readonly heading: number
}

export interface RoadGrid {
  readonly sideMetres: number
  readonly roadSpacingMetres: number
  readonly speedMetresPerSecond: readonly [number, number]
}

export function drawRide(random: Random, grid: RoadGrid): Ride {
  const roads = Math.floor(grid.sideMetres / grid.roadSpacingMetres) + 1
  return {
    isHorizontal: random() < 0.5,
    roadMetres: Math.floor(random() * roads) * grid.roadSpacingMetres,
    startMetres: random() * grid.sideMetres,
    direction: random() < 0.5 ? 1 : -1,
    metresPerSecond: uniform(random, grid.speedMetresPerSecond),
  }
}

/** Where a ride is after some time; at the border it turns around. */
export function placeAt(ride: Ride, seconds: number, sideMetres: number): Place {
  const lap = 2 * sideMetres
  const unfolded = ride.startMetres + ride.direction * ride.metresPerSecond * seconds
  const position = ((unfolded % lap) + lap) % lap
  const isOutward = position <= sideMetres
  const along = isOutward ? position : lap - position
  const sense = isOutward ? ride.direction : -ride.direction
  const backwards = sense > 0 ? 0 : Math.PI
  return ride.isHorizontal
    ? { x: along, y: ride.roadMetres, heading: backwards }
    : { x: ride.roadMetres, y: along, heading: sense > 0 ? Math.PI / 2 : -Math.PI / 2 }
}

export function distanceMetres(a: Pick<Place, 'x' | 'y'>, b: Pick<Place, 'x' | 'y'>): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}
