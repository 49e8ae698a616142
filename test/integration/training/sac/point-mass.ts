import type { Random } from '../../../../runtime/seeded-random.ts'

const EPISODE_STEPS = 40
const STEP_SECONDS = 0.1

/**
 * A mass in the plane that is pushed to the origin: observation position and velocity, action the
 * force, reward minus the distance and a little for force. Nothing ends an episode but its length.
 */
export class PointMass {
  readonly stepsMax = EPISODE_STEPS
  #position: [number, number] = [0, 0]
  #velocity: [number, number] = [0, 0]

  reset(random: Random): Float32Array {
    const angle = 2 * Math.PI * random()
    this.#position = [Math.cos(angle), Math.sin(angle)]
    this.#velocity = [0, 0]
    return this.#observe()
  }

  step(action: ArrayLike<number>): { readonly observation: Float32Array; readonly reward: number } {
    const force = [action[0] ?? 0, action[1] ?? 0] as const
    const moved = (axis: 0 | 1) => {
      this.#velocity[axis] = 0.95 * this.#velocity[axis] + 3 * force[axis] * STEP_SECONDS
      this.#position[axis] += this.#velocity[axis] * STEP_SECONDS
    }
    moved(0)
    moved(1)
    const effort = 0.01 * (force[0] ** 2 + force[1] ** 2)
    return { observation: this.#observe(), reward: -Math.hypot(...this.#position) - effort }
  }

  #observe(): Float32Array {
    return Float32Array.of(...this.#position, ...this.#velocity)
  }
}
