import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { unigramBitsPerByte } from '../controller/models/held-back-text.ts'
import { GainnetError } from '../runtime/errors.ts'
import { dealPieces, mixturesFor, writeAgentFolder } from './agent-folders.ts'
import { DOMAINS, type Domain, findModulesFolder, scanCorpus } from './corpus.ts'
import { type DomainText, splitCorpus } from './corpus-split.ts'
import { type DemoModel, type RunFolder, textFolderOf } from './demo-config.ts'

const SEED = 1
/** With fewer agents than this, two models: each must get an update in most rounds. */
const AGENTS_FOR_ALL_DOMAINS = 3
/** The shortest text that judges a model to a tenth of a bit. */
const HELD_BACK_BYTES_MIN = 2000

export interface LaidOutModel extends DemoModel {
  readonly unigramBitsPerByte: number
}

/**
 * Finds text on this machine, gives each agent its folder and each model its held-back text. The
 * models are named after the domains.
 */
export async function layOutText(
  folder: RunFolder,
  agentIds: readonly string[],
): Promise<readonly LaidOutModel[]> {
  const domains = agentIds.length < AGENTS_FOR_ALL_DOMAINS ? DOMAINS.slice(0, 2) : DOMAINS
  const modules = findModulesFolder(import.meta.url)
  const split = splitCorpus(await scanCorpus(modules))
  const texts = new Map(domains.map(domain => [domain, textOf(split, domain, modules)]))
  const dealt = dealPieces(texts, mixturesFor(agentIds.length, domains), SEED)
  for (const [index, agentId] of agentIds.entries()) {
    await writeAgentFolder(textFolderOf(folder, agentId), dealt[index] ?? [])
  }
  const models: LaidOutModel[] = []
  for (const [modelId, { heldBack }] of texts) {
    const heldBackFile = join(folder.root, 'held-back', `${modelId}.txt`)
    await mkdir(dirname(heldBackFile), { recursive: true })
    await writeFile(heldBackFile, heldBack)
    const unigram = unigramBitsPerByte(Buffer.from(heldBack))
    models.push({ modelId, heldBackFile, unigramBitsPerByte: unigram })
  }
  return models
}

function textOf(
  split: ReadonlyMap<Domain, DomainText>,
  domain: Domain,
  modules: string,
): DomainText {
  const text = split.get(domain)
  if (text && text.heldBack.length >= HELD_BACK_BYTES_MIN && text.pieces.length > 0) return text
  throw new GainnetError('SENSOR_UNAVAILABLE', `too little ${domain} text below ${modules}`)
}
