/** Models of which a device remembers what did not get through; each takes as much as a model. */
const MODELS_MAX = 8

/**
 * What compressed updates left over, by model, in this life of the agent. Lost with it: then that part
 * is learned again.
 */
export class Residuals {
  readonly #byModel = new Map<string, Float32Array>()

  get(modelId: string): Float32Array | undefined {
    return this.#byModel.get(modelId)
  }

  /** Once the update has been taken: one that was not leaves what the one before had left. */
  keep(modelId: string, residual: Float32Array | null): void {
    this.#byModel.delete(modelId)
    if (residual) this.#byModel.set(modelId, residual)
    for (const oldest of this.#byModel.keys()) {
      if (this.#byModel.size > MODELS_MAX) this.#byModel.delete(oldest)
    }
  }
}
