import { describe, expect, test } from 'vitest'
import { dealPieces, mixturesFor } from '../../../demo/agent-folders.ts'
import { DOMAINS } from '../../../demo/corpus.ts'

describe('mixturesFor', () => {
  test('shares of each agent sum to one', () => {
    for (const count of [1, 2, 3, 4, 7, 16]) {
      const mixtures = mixturesFor(count, DOMAINS)
      expect(mixtures).toHaveLength(count)
      for (const mixture of mixtures) {
        expect([...mixture.values()].reduce((sum, share) => sum + share, 0)).toBeCloseTo(1)
      }
    }
  })

  test('agents have mostly one domain, taken in turn, and the last of four has of all the same', () => {
    const main = mixturesFor(4, DOMAINS).map(mixture =>
      DOMAINS.filter(d => (mixture.get(d) ?? 0) > 0.5),
    )
    expect(main).toEqual([['licence'], ['code'], ['documentation'], []])
  })

  test('with two agents and two domains each has one of its own', () => {
    const [first, second] = mixturesFor(2, ['licence', 'code'])
    expect(first?.get('licence')).toBeCloseTo(0.76)
    expect(second?.get('code')).toBeCloseTo(0.76)
  })
})

describe('dealPieces', () => {
  const texts = new Map(
    DOMAINS.map((domain, index) => [
      domain,
      {
        heldBack: '',
        pieces: Array.from({ length: 200 * (index + 1) }, (_, n) =>
          `${domain} ${n} `.padEnd(1000, '.'),
        ),
      },
    ]),
  )
  const mixtures = mixturesFor(4, DOMAINS)
  const dealt = dealPieces(texts, mixtures, 5)

  test('a piece is in one folder only', () => {
    const hands = dealt.map(folder => new Set(folder.flatMap(({ pieces }) => pieces)))
    const sizes = hands.map(({ size }) => size)
    expect(new Set(hands.flatMap(hand => [...hand])).size).toBe(
      sizes.reduce((sum, n) => sum + n, 0),
    )
  })

  test('folders are as large as the most plentiful domain allows and mixed as stated', () => {
    for (const [agent, mixture] of mixtures.entries()) {
      const counts = new Map(dealt[agent]?.map(({ domain, pieces }) => [domain, pieces.length]))
      const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
      // 600 pieces of the most plentiful domain for shares that sum to 1.33.
      expect(all).toBeGreaterThanOrEqual(450)
      expect(all).toBeLessThanOrEqual(455)
      for (const [domain, share] of mixture) {
        expect((counts.get(domain) ?? 0) / all).toBeCloseTo(share, 1)
      }
    }
  })

  test('what is scarce fills its share more than once', () => {
    const licences = dealt[0]?.find(({ domain }) => domain === 'licence')?.pieces ?? []
    expect(new Set(licences).size).toBeLessThan(licences.length / 2)
  })

  test('the seed decides who has what', () => {
    expect(dealPieces(texts, mixtures, 5)).toEqual(dealt)
    expect(dealPieces(texts, mixtures, 6)).not.toEqual(dealt)
  })
})
