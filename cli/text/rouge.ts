import { readFile, stat } from 'node:fs/promises'
import { GainnetError } from '../../runtime/errors.ts'
import { ROUGE_METRICS, type RougeScores, rougeScores } from '../../training/rouge/rouge.ts'
import type { Summary } from '../../training/rouge/tokens.ts'
import { unreadable } from '../model/model-file.ts'
import { textTable } from '../model/text-table.ts'

/** Longest common subsequences take the product of two sentences' lengths. */
const FILE_BYTES_MAX = 256 * 1024

export async function runRouge(o: {
  readonly candidate: string
  readonly reference: string
  readonly json: boolean
  readonly output: NodeJS.WritableStream
}): Promise<void> {
  const candidate = await readSummary(o.candidate)
  const reference = await readSummary(o.reference)
  const plain = rougeScores(candidate, reference, { stems: false })
  const stemmed = rougeScores(candidate, reference, { stems: true })
  o.output.write(
    o.json ? `${JSON.stringify({ ...plain, stemmed }, null, 2)}\n` : textOf(plain, stemmed),
  )
}

async function readSummary(file: string): Promise<Summary> {
  const text = await readText(file)
  const sentences = text.split('\n').filter(line => line.trim() !== '')
  if (sentences.length === 0) {
    throw new GainnetError('USAGE', `${file} is empty: a summary has a sentence a line`, { file })
  }
  return sentences
}

async function readText(file: string): Promise<string> {
  const { size } = await stat(file).catch(cause => {
    throw unreadable(file, cause)
  })
  if (size > FILE_BYTES_MAX) {
    const fault = `${file} has ${size} bytes: a summary has at most ${FILE_BYTES_MAX}`
    throw new GainnetError('USAGE', fault, { file, size })
  }
  return readFile(file, 'utf8').catch(cause => {
    throw unreadable(file, cause)
  })
}

function textOf(plain: RougeScores, stemmed: RougeScores): string {
  const rows = ROUGE_METRICS.flatMap(metric =>
    [
      { scores: plain, words: 'as written' },
      { scores: stemmed, words: 'stems' },
    ].map(({ scores, words }) => {
      const { recall, precision, f } = scores[metric]
      return [metric, words, ...[recall, precision, f].map(share => share.toFixed(5))]
    }),
  )
  return textTable([['', 'words', 'recall', 'precision', 'F1'], ...rows])
}
