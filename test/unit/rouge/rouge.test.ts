import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ROUGE_METRICS, rougeScores } from '../../../training/rouge/rouge.ts'
import { sharedFile } from '../../support/directories.ts'

type Answer = Readonly<
  Record<string, { readonly r: number; readonly p: number; readonly f: number }>
>
interface Pair {
  readonly hyp: string[]
  readonly ref: string[]
  readonly rouge155_stem: Answer
  readonly rouge155_nostem: Answer
}

/** Answers of the official script, made elsewhere. */
const file = sharedFile('data/rouge-reference/rouge155.jsonl')

describe('ROUGE', () => {
  test.skipIf(!file).each([
    ['rouge155_nostem', false],
    ['rouge155_stem', true],
  ] as const)('equals the official script in five places (%s)', (answers, stems) => {
    const pairs: Pair[] = readFileSync(file ?? '', 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(pairs.length).toBe(40)
    for (const pair of pairs) {
      const scores = rougeScores(pair.hyp, pair.ref, { stems })
      for (const metric of ROUGE_METRICS) {
        const { recall: r, precision: p, f } = scores[metric]
        expect({ r, p, f }).toEqual(pair[answers][metric])
      }
    }
  })

  test('of the same words is 1, of none in common 0, of no words 0', () => {
    const text = ['Six patients improved.', 'Two did not.']
    const [same, other, none] = [text, ['nothing alike'], ['...']].map(candidate =>
      rougeScores(candidate, text, { stems: false }),
    )
    for (const metric of ROUGE_METRICS) {
      expect(same?.[metric]).toEqual({ recall: 1, precision: 1, f: 1 })
      expect(other?.[metric]).toEqual({ recall: 0, precision: 0, f: 0 })
      expect(none?.[metric]).toEqual({ recall: 0, precision: 0, f: 0 })
    }
  })

  test('counts a repeated word no oftener than the reference has it', () => {
    const scores = rougeScores(['pain pain pain pain'], ['less pain'], { stems: false })
    expect(scores['rouge-1']).toEqual({ recall: 0.5, precision: 0.25, f: 0.33333 })
    expect(scores['rouge-l']).toEqual(scores['rouge-1'])
  })

  test('takes irregular and inflected forms of a word for the same by their stems', () => {
    const of = (stems: boolean) => rougeScores(['were given'], ['be give'], { stems })['rouge-1'].f
    expect([of(false), of(true)]).toEqual([0, 1])
    expect(rougeScores(['treated'], ['treating'], { stems: true })['rouge-1'].f).toBe(1)
  })
})
