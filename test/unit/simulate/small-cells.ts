import { drawScenario, type Scenario } from '../../../controller/simulate/scenario.ts'
import { BALANCED, type ScenarioOptions } from '../../../controller/simulate/scenario-options.ts'

/** A cell in which every plan can be tried. */
export function smallCell(seed: number, o: Partial<ScenarioOptions> = {}): Scenario {
  const small = { vehicles: 4, targets: 60, rounds: 3, servers: 1, models: 3, connectMetres: 400 }
  return drawScenario({ ...BALANCED, ...small, ...o }, seed)
}
