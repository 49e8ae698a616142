import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ControllerConfig } from '../../../config/controller-schema.ts'
import { Aggregator } from '../../../controller/aggregate/aggregator.ts'
import { ModelLibrary } from '../../../controller/models/model-library.ts'
import type { ModelConfig } from '../../../controller/models/model-source.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { testLog } from '../../support/test-log.ts'

export const HELD_BACK = 'the quick brown fox jumps over the lazy dog. '.repeat(10)
export const NOW_MS = Date.parse('2026-01-01T00:00:00.000Z')

type TextConfig = Extract<ModelConfig, { kind: 'byte-language-model' }>

/** A state directory, and libraries in it, each a life of the controller. */
export function libraryFolder() {
  const stateDirectory = temporaryDirectory()
  const path = join(stateDirectory, 'held-back.txt')
  writeFileSync(path, HELD_BACK)
  const config = (modelId: string, o: Partial<TextConfig> = {}): TextConfig => ({
    modelId,
    kind: 'byte-language-model',
    contextBytes: 4,
    embeddingSize: 2,
    hiddenSizes: [8],
    seed: 1,
    value: 1,
    sensorKinds: [],
    evaluation: { path, bytesMax: 1024 },
    prompt: 'The ',
    ...o,
  })
  const open = async (configs: readonly ModelConfig[], { batch = 8 } = {}) => {
    const { log } = testLog()
    const library = new ModelLibrary({ stateDirectory, log })
    await library.open(configs, { batch }, NOW_MS)
    return library
  }
  const blobPath = (sha256: string): string => join(stateDirectory, 'blobs', sha256)
  return { stateDirectory, config, open, blobPath }
}

/** What makes the next versions of a library's models; by FedAvg where nothing else is said. */
export function aggregatorOf(
  library: ModelLibrary,
  config: Partial<ControllerConfig['aggregation']> = {},
): Aggregator {
  const { aggregation } = ControllerConfig.shape
  return new Aggregator({ config: aggregation.parse(config), library })
}
