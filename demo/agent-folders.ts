import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom, shuffle } from '../runtime/seeded-random.ts'
import type { Domain } from './corpus.ts'
import type { DomainText } from './corpus-split.ts'

export type Mixture = ReadonlyMap<Domain, number>

export interface AgentText {
  readonly domain: Domain
  readonly pieces: readonly string[]
}

const MAIN_SHARE = 0.76
/** What a sensor of 8,000 bytes a second delivers in a minute. */
const FOLDER_BYTES_MAX = 480_000

/**
 * What each agent's folder holds, as shares: mostly one domain, taken in turn; the last agent has
 * of everything the same when there are more agents than domains.
 */
export function mixturesFor(agentCount: number, domains: readonly Domain[]): readonly Mixture[] {
  const rest = domains.length > 1 ? (1 - MAIN_SHARE) / (domains.length - 1) : 0
  return Array.from({ length: agentCount }, (_, agent) => {
    const isMixed = agent === agentCount - 1 && agentCount > domains.length
    return new Map(
      domains.map((domain, index) => {
        const share = index === agent % domains.length ? 1 - rest * (domains.length - 1) : rest
        return [domain, isMixed ? 1 / domains.length : share]
      }),
    )
  })
}

/**
 * Deals the pieces out, each to one agent only: folders are private. The most plentiful domain says
 * how large a folder is; of a scarcer one the same pieces fill it more than once, so that the
 * mixtures are as stated. A sensor sees the same thing again, too.
 */
export function dealPieces(
  texts: ReadonlyMap<Domain, DomainText>,
  mixtures: readonly Mixture[],
  seed: number,
): readonly (readonly AgentText[])[] {
  const bounds = [...texts].map(
    ([domain, { pieces }]) => bytesOf(pieces) / sharesOf(domain, mixtures),
  )
  const folderBytes = Math.min(FOLDER_BYTES_MAX, Math.max(...bounds))
  const random = seededRandom(seed)
  const dealt: AgentText[][] = mixtures.map(() => [])
  for (const [domain, { pieces }] of texts) {
    const deck = [...pieces]
    shuffle(deck, random)
    const deckBytes = bytesOf(deck)
    for (const [agent, mixture] of mixtures.entries()) {
      const share = mixture.get(domain) ?? 0
      const bytesWanted = folderBytes * share
      const ownBytes = Math.min(bytesWanted, (deckBytes * share) / sharesOf(domain, mixtures))
      const hand = drawBytes(deck, ownBytes)
      if (hand.length > 0) dealt[agent]?.push({ domain, pieces: filledUp(hand, bytesWanted) })
    }
  }
  return dealt
}

export async function writeAgentFolder(folder: string, texts: readonly AgentText[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { domain, pieces } of texts) {
    for (const [index, piece] of pieces.entries()) {
      await writeFile(join(folder, `${domain}-${String(index).padStart(4, '0')}.txt`), piece)
    }
  }
}

function bytesOf(pieces: readonly string[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

function sharesOf(domain: Domain, mixtures: readonly Mixture[]): number {
  return mixtures.reduce((sum, mixture) => sum + (mixture.get(domain) ?? 0), 0)
}

function filledUp(hand: readonly string[], bytesWanted: number): string[] {
  const filled: string[] = []
  let bytes = 0
  for (let index = 0; bytes < bytesWanted; index++) {
    const piece = hand[index % hand.length] ?? ''
    filled.push(piece)
    bytes += piece.length
  }
  return filled
}

function drawBytes(deck: string[], bytesWanted: number): string[] {
  const hand: string[] = []
  let bytes = 0
  while (bytes < bytesWanted) {
    const piece = deck.pop()
    if (piece === undefined) break
    hand.push(piece)
    bytes += piece.length
  }
  return hand
}
